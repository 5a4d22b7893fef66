import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createPostgresLog, type EventLog, encodeJson, partitionOf } from '@runlog/event-log';
import type { AgentFrame, Frame } from '@runlog/execution';
import { createLogger } from '@runlog/platform';
import { Catalog, createDatabase, type Database, Heard, pieceOf, saidBefore, without } from '@runlog/read-model';
import { startTestDatabase, type TestDatabase } from '@runlog/testing';
import { uuidv7 } from 'uuidv7';
import { collectFrames } from './collection/frame-collector.js';
import { QueriesService } from './queries.service.js';

const logger = createLogger('frames-spec', { logLevel: 'fatal' });

let server: TestDatabase;
let database: Database;
let log: EventLog;
let queries: QueriesService;
const workspaceId = uuidv7();

beforeAll(async () => {
  server = await startTestDatabase();
  database = await createDatabase({ url: server.connectionString });
  log = createPostgresLog({ connectionString: server.connectionString });
  await log.start();
  queries = new QueriesService({ database, log, catalog: new Catalog(database), logger });
  await queries.start();
}, 60_000);

afterAll(async () => {
  await queries?.stop();
  await log?.stop();
  await database?.close();
  await server?.stop();
});

const content = (from: number, text: string): AgentFrame => ({ kind: 'content', text, from });

const send = async (executionId: string, attempt: number, ...frames: AgentFrame[]): Promise<void> => {
  const message = (frame: AgentFrame): Frame => ({ type: 'agent', executionId, workspaceId, node: 'agent', attempt, generation: attempt, at: 1, version: 5, frame });
  const partition = partitionOf(executionId, log.partitions('execution-frames'));
  await log.send([{ topic: 'execution-frames', partition, records: frames.map((frame) => encodeJson(executionId, message(frame))) }]);
};
/** Every frame after an offset, once all that was sent is stored. */
const stored = async (executionId: string, after = -1) => {
  const offset = await log.end('execution-frames', partitionOf(executionId, log.partitions('execution-frames')));
  const page = await queries.reads.frames({ workspaceId, executionId, after, limit: 100, fresh: { offset, timeoutMs: 50_000 } });
  expect(page.storedTo).toBeGreaterThanOrEqual(offset);
  return page.frames;
};
const asText = (frames: readonly { readonly frame: AgentFrame }[]) => frames.map(({ frame }) => ('text' in frame ? frame.text : `<${frame.kind}>`)).join('');

describe('frames of agents', () => {
  it('are stored in order, to the byte, and read from any of them on', async () => {
    const id = uuidv7();
    const text = 'Hello \u{1f600}, \0 and a lone \ud800.';
    const pieces = [...text].map((piece, at, all) => content(all.slice(0, at).join('').length, piece));
    await send(id, 1, { kind: 'thinking', text: 'hm', from: 0 }, ...pieces.slice(0, 5));
    await stored(id);
    await send(id, 1, ...pieces.slice(5), { kind: 'tool_start', id: 't', name: 'find' }, { kind: 'tool_end', id: 't', name: 'find', summary: '3 hits' });
    const all = await stored(id);
    expect(asText(all)).toBe(`hm${text}<tool_start><tool_end>`);
    expect(all.length).toBeLessThan(pieces.length);
    const [first] = await database.query<{ n: number }>('select min(n) as n from execution_frames where execution_id = $1', [id]);
    for (let at = 0; at < pieces.length; at++) {
      const after = (first?.n ?? 0) + 1 + at;
      const [heard] = await queries.reads.heard({ workspaceId, executionId: id, n: after });
      expect(heard).toMatchObject({ thinking: 2, content: (pieces[at] as { from: number }).from + (pieces[at] as { text: string }).text.length });
      expect(asText(await stored(id, after))).toBe(`${text.slice(heard?.content)}<tool_start><tool_end>`);
    }
    expect((await queries.reads.frames({ workspaceId: uuidv7(), executionId: id, after: -1, limit: 10 })).frames).toEqual([]);
    expect(await queries.reads.heard({ workspaceId: uuidv7(), executionId: id, n: 1e9 })).toEqual([]);
  });

  it('of no kind that is known, or none at all, pass by', async () => {
    const id = uuidv7();
    await send(id, 1, { kind: 'song' } as never, null as never, { kind: 'content', from: 'x' } as never, content(0, 'a'));
    expect(asText(await stored(id))).toBe('a');
  });

  it('tell a new attempt what the one before has said, and nothing that comes after its fence', async () => {
    const id = uuidv7();
    await send(id, 1, content(0, 'one '), { kind: 'thinking', text: 'hm', from: 0 }, content(4, 'two '));
    const said = saidBefore(database, { workspaceId, executionId: id, node: 'agent', attempt: 2 }, AbortSignal.timeout(50_000));
    await send(id, 2, { kind: 'fence' });
    await send(id, 1, content(8, 'zombie'));
    expect(await said).toEqual({ content: 'one two ', thinking: 'hm' });
    await send(id, 2, content(8, 'three'));
    const heard = new Heard();
    const shown = (await stored(id)).flatMap(({ node_id, attempt, frame }) => {
      const known = heard.hear(node_id, attempt, pieceOf(frame));
      return known === null || frame.kind !== 'content' ? [] : [{ frame: without(frame, known) }];
    });
    expect(asText(shown)).toBe('one two three');
    expect(await queries.reads.heard({ workspaceId, executionId: id, n: 1e9 })).toEqual(heard.views);
  });

  it('go some time after their execution has ended, or was never heard of', async () => {
    const now = Date.now();
    const ids = [uuidv7(), uuidv7(), uuidv7()] as const;
    const [ended, endedLately, alive] = ids;
    for (const [id, completedAt] of [
      [ended, now - 2000],
      [endedLately, now],
      [alive, null],
    ] as const) {
      await database.query(
        `insert into executions (id, workspace_id, pod_id, workflow_id, version, hashid, key, name, status, tags, metadata_terms, created_at, completed_at, cost_nano_usd, settled, live)
         values ($1, $2, '', $2, 1, '', '', '', 'x', '{}', '{}', 1, $3, 0, '{}', '{}')`,
        [id, workspaceId, completedAt],
      );
      await send(id, 1, content(0, 'a'));
      await stored(id);
    }
    await collectFrames(database, now - 1000);
    const left = await database.query<{ execution_id: string }>('select execution_id from execution_frames order by execution_id');
    expect(left.map(({ execution_id }) => execution_id)).toEqual([endedLately, alive].sort());
  });

  it('are waited for by a new attempt for as long as it wants', async () => {
    await expect(saidBefore(database, { workspaceId, executionId: uuidv7(), node: 'agent', attempt: 2 }, AbortSignal.timeout(50))).rejects.toThrow('aborted');
  });
});

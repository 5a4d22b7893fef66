import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestDatabase, type TestDatabase } from '@runlog/testing';
import { createDatabase, type Database } from '../database.js';
import { sessionHistory } from './history.js';
import { sessionsOf } from './sessions.js';
import { turnsOf } from './turns.js';

const workspaceId = randomUUID();
const agents = { clerk: randomUUID(), boss: randomUUID() };

interface Row {
  readonly session?: string | null;
  readonly at: number;
  readonly pod?: string;
  readonly agent?: string | null;
  readonly status?: string;
  readonly input?: unknown;
  readonly output?: unknown;
  readonly replayOf?: string;
  readonly inputRef?: unknown;
}

let server: TestDatabase;
let database: Database;

const insert = async ({ session = 'chat', at, pod = 'one', agent = agents.clerk, status = 'completed', input = {}, output = null, replayOf, inputRef }: Row): Promise<string> => {
  const id = randomUUID();
  await database.query(
    `insert into executions (id, workspace_id, pod_id, workflow_id, version, hashid, key, name, status, agent_id, session_id, replay_of, tags, metadata_terms, created_at, cost_nano_usd, settled, live, output)
     values ($1::uuid, $2, $3, $4, 1, $1::uuid::text, $1::uuid::text, 'n', $5, $6, $7, $8, '{}', '{}', $9, 0, $10, '{}', $11)`,
    [
      id,
      workspaceId,
      pod,
      randomUUID(),
      status,
      agent,
      session,
      replayOf ?? null,
      at,
      JSON.stringify({ input, ...(inputRef ? { input_ref: inputRef } : {}) }),
      JSON.stringify(output),
    ],
  );
  return id;
};
const said = (n: number) => ({ input: { message: `Q${n}` }, output: { response: `A${n}` } });
const history = (executionId: string, maxChars = 1000, sessionId = 'chat') =>
  sessionHistory(
    database,
    { workspaceId, sessionId, executionId, maxChars },
    { ends: async () => [], read: async () => 'stored elsewhere', signal: AbortSignal.timeout(50_000) },
  ).then((messages) => messages.map(({ content }) => content));

beforeAll(async () => {
  server = await startTestDatabase();
  database = await createDatabase({ url: server.connectionString });
}, 60_000);
afterAll(async () => {
  await database.close();
  await server.stop();
});

describe('the history of a session', () => {
  it('is what was said before, of executions of agents that have completed, in the same pod', async () => {
    await insert({ at: 1, ...said(1) });
    await insert({ at: 2, ...said(2), status: 'failed' });
    await insert({ at: 3, ...said(3), pod: 'two' });
    await insert({ at: 4, ...said(4), agent: null });
    await insert({ at: 5, ...said(5), session: 'another' });
    const source = await insert({ at: 6, input: { order: 7 }, output: [1, 2] });
    await insert({ at: 7, ...said(7), agent: agents.boss });
    const replay = await insert({ at: 8, ...said(8), replayOf: source });
    const now = await insert({ at: 9, input: { message: 'And now?' }, status: 'running' });
    expect(await history(now)).toEqual(['Q1', 'A1', '{"order":7}', '[1,2]', 'Q7', 'A7']);
    expect(await history(replay)).toEqual(['Q1', 'A1']);
    expect(await history(randomUUID())).toEqual([]);
  });

  it('is read no further than it may be long, and over pages', async () => {
    for (let at = 1; at <= 50; at++) await insert({ at, ...said(at), session: 'long' });
    const now = await insert({ at: 60, session: 'long', status: 'running' });
    const all = await history(now, 10_000, 'long');
    expect([all.length, all[0], all.at(-1)]).toEqual([100, 'Q1', 'A50']);
    expect(await history(now, 7, 'long')).toEqual(['Q49', 'A49', 'Q50', 'A50']);
  });

  it('fetches a stored body only if it can fit', async () => {
    await insert({ at: 1, session: 'large', output: 'short', inputRef: { digest: 'd', bytes: 400 } });
    const now = await insert({ at: 2, session: 'large', status: 'running' });
    expect(await history(now, 100, 'large')).toEqual(['stored elsewhere', 'short']);
    expect(await history(now, 99, 'large')).toEqual([]);
  });

  it('waits until what was on the log is projected', async () => {
    const now = await insert({ at: 2, session: 'fresh', status: 'running' });
    const asked = sessionHistory(
      database,
      { workspaceId, sessionId: 'fresh', executionId: now, maxChars: 100 },
      { ends: async () => [3], read: async () => null, signal: AbortSignal.timeout(50_000) },
    );
    await insert({ at: 1, session: 'fresh', ...said(1) });
    await database.query(`insert into projection_progress (projection, topic_id, partition, "offset", claim, previous, updated_at) values ('executions', 't', 0, 3, 0, '', 0)`);
    expect(await asked).toHaveLength(2);
    const stopped = sessionHistory(
      database,
      { workspaceId, sessionId: 'fresh', executionId: now, maxChars: 100 },
      { ends: async () => [4], read: async () => null, signal: AbortSignal.abort(new Error('cancelled')) },
    );
    await expect(stopped).rejects.toThrow();
  });
});

describe('sessions', () => {
  it('are listed by their newest execution, counted, page by page and by agent', async () => {
    const ask = async (more: object) => (await sessionsOf(database.tenant(workspaceId), { workspaceId, limit: 100, ...more })).rows.map((row) => [row.session_id, row.executions]);
    const all = await ask({});
    expect(all.slice(0, 2)).toEqual([
      ['long', 51],
      ['chat', 6],
    ]);
    const first = await sessionsOf(database, { workspaceId, limit: 1 });
    expect(first).toMatchObject({ hasMore: true, rows: [{ session_id: 'long', first_at: 1, last_at: 60 }] });
    const after = { at: 60, id: first.rows[0]?.last_execution_id ?? '' };
    expect(await ask({ limit: 1, after })).toEqual([['chat', 6]]);
    const chat = (await sessionsOf(database, { workspaceId, limit: 1, after })).rows[0];
    expect(await ask({ limit: 1, before: { at: chat?.last_at, id: chat?.last_execution_id } })).toEqual([['long', 51]]);
    expect(await ask({ agentId: agents.boss })).toEqual([['chat', 1]]);
    expect(await ask({ podId: 'two' })).toEqual([['chat', 1]]);
    expect(
      (await turnsOf(database.tenant(workspaceId), { workspaceId, sessionId: 'chat', limit: 2, after: { at: 6, id: '00000000-0000-0000-0000-000000000000' } })).map(
        ({ created_at }) => created_at,
      ),
    ).toEqual([6, 7]);
    expect(await turnsOf(database.tenant(randomUUID()), { workspaceId, sessionId: 'chat', limit: 2 })).toEqual([]);
  });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createPostgresLog, type EventLog, type NewRecord, partitionOf } from '@runlog/event-log';
import type { Database } from '@runlog/read-model';
import { uuidv7 } from 'uuidv7';
import type { QueriesService } from '../queries.service.js';
import { Fixture } from '../testing/fixture.js';
import { createdData, type Recorder } from '../testing/recorder.js';
import { verifyReadModel } from '../verify.js';
import { rebuiltTables } from './beside.js';
import { type RebuildProgress, rebuildExecutions } from './rebuild.js';

const EXECUTIONS = 1_500;
const LAST_VERSION = 5;

describe('rebuild', () => {
  let fixture: Fixture;
  let database: Database;
  let log: EventLog;
  /** The log as another process has it. */
  let otherLog: EventLog;
  let queries: QueriesService;
  let recorder: Recorder;
  let workspaceId: string;
  const ids: string[] = [];

  beforeAll(async () => {
    fixture = await Fixture.start();
    ({ recorder, workspaceId } = fixture);
    ({ database, log } = fixture.parts);
    otherLog = createPostgresLog({ connectionString: fixture.parts.databaseUrl });
    await otherLog.start();
    queries = await fixture.serve();
    for (let n = 0; n < EXECUTIONS; n += 500) await recordSome(500);
    await level();
  }, 180_000);

  afterAll(async () => {
    await otherLog?.stop();
    await fixture?.stop();
  });

  const history = (id: string, n: number): NewRecord[] => [
    ...recorder.encode(
      id,
      [
        'ExecutionCreated',
        createdData({ ...fixture.pinned, key: `workflow_${n}`, hashid: `h${n}`, tags: [`tag ${n % 7}`], metadata: { n: n % 11 }, agent_id: n % 2 ? 'agent' : null }),
      ],
      ['ExecutionQueued', { queue_name: null }],
      ['ExecutionStarted', {}],
      ['NodeCompleted', { node_id: 'a', attempt: 1, output: { n, text: 'a"\u0000' }, inline: true }],
    ),
    ...(n % 3 === 0
      ? recorder.encode(id, [
          'ApprovalRequested',
          { node_id: 'b', attempt: 1, gate_id: 'b.1', prompt: 'b?', schema: null, approvers: null, expires_at: null, on_expiry: 'fail', on_reject: 'reject', reminders_at: [] },
        ])
      : recorder.encode(id, ['ExecutionCompleted', { output: n }])),
  ];

  const recordSome = async (count: number): Promise<string[]> => {
    const made = Array.from({ length: count }, () => uuidv7());
    const byPartition = Map.groupBy(made, (id) => partitionOf(id, log.partitions('execution-events')));
    await Promise.all(
      [...byPartition.values()].map((some) =>
        recorder.append(
          some[0] as string,
          some.flatMap((id) => history(id, ids.push(id))),
        ),
      ),
    );
    return made;
  };

  const level = async (): Promise<void> => {
    for (let partition = 0; partition < log.partitions('execution-events'); partition++) {
      const { stale } = (await queries.reads.execution({
        workspaceId,
        ref: ids.find((id) => partitionOf(id, log.partitions('execution-events')) === partition) as string,
        nodes: false,
        fresh: { partition, offset: await log.end('execution-events', partition), timeoutMs: 50_000 },
      })) ?? { stale: true };
      if (stale) throw new Error(`Expected partition ${partition} to be level, but it is not`);
    }
  };

  /** Of every row of every table that is rebuilt. */
  const checksums = async (): Promise<Record<string, unknown>> =>
    Object.fromEntries(
      await Promise.all(
        rebuiltTables.map(async (table) => [table, (await database.query(`select count(*), md5(string_agg(md5(t::text), '' order by md5(t::text))) as sum from ${table} t`))[0]]),
      ),
    );
  const rebuild = (onProgress?: (progress: RebuildProgress) => void) => rebuildExecutions({ ...fixture.parts, log: otherLog, ...(onProgress && { onProgress }) });
  const drift = async () => (await verifyReadModel({ ...fixture.parts, log: otherLog })).drift;
  const indexes = () =>
    database.query(`select tablename, indexname, indexdef from pg_indexes where tablename = any($1) and schemaname <> 'runlog_next' order by 1, 2`, [rebuiltTables]);

  /** Asks for one execution after another, and for lists, until told to end; whatever is wrong with an answer. */
  const poll = (versions: Map<string, number>) => {
    const wrong: string[] = [];
    let [asked, ended] = [0, false];
    const one = async (id: string): Promise<void> => {
      const answer = await queries.reads.execution({ workspaceId, ref: id, nodes: true });
      const known = versions.get(id) ?? 0;
      if (!answer || answer.view.version < known) wrong.push(`'${id}' was at version ${known} and is at ${answer?.view.version}`);
      else versions.set(id, answer.view.version);
      const ended = Object.values(answer?.view.nodes ?? {}).filter(({ status }) => status === 'completed');
      if (answer && answer.view.n_steps !== ended.length) wrong.push(`'${id}' has ${answer.view.n_steps} steps and ${ended.length} nodes that ended`);
      const events = await queries.reads.events({ workspaceId, executionId: id, after: 0, limit: 100 });
      if (events.length < known || events.some(({ version }, at) => version !== at + 1)) wrong.push(`'${id}' has events ${events.map(({ version }) => version).join()}`);
    };
    const list = async (): Promise<void> => {
      const { rows } = await queries.reads.executions({ workspaceId, sort: 'created_at', descending: true, limit: 50, statuses: ['completed'] });
      if (rows.length !== 50) wrong.push(`a list had ${rows.length} rows`);
    };
    const lane = async (read: () => Promise<void>): Promise<void> => {
      for (; !ended; asked++) await read().catch((cause: unknown) => wrong.push(String(cause)));
    };
    const known = [...versions.keys()];
    const lanes = [lane(() => one(known[asked % known.length] as string)), lane(list)];
    return {
      wrong,
      end: async () => {
        ended = true;
        await Promise.all(lanes);
        return asked;
      },
    };
  };

  it('gives the same rows and indexes', async () => {
    const [before, indexesBefore] = [await checksums(), await indexes()];
    const rebuilt = await rebuild();
    expect(rebuilt.records).toBeGreaterThan(EXECUTIONS * LAST_VERSION);
    expect([await checksums(), await indexes()]).toEqual([before, indexesBefore]);
  }, 180_000);

  it('holds up neither reads nor writes', async () => {
    const versions = new Map(ids.slice(0, 300).map((id) => [id, LAST_VERSION]));
    const reader = poll(versions);
    let [rebuilding, written] = [true, 0];
    const writing = (async () => {
      while (rebuilding) {
        const made = await recordSome(20);
        written += made.length;
        const view = await queries.reads.execution({ workspaceId, ref: made[0] as string, nodes: false, fresh: { minVersion: LAST_VERSION, timeoutMs: 50_000 } });
        if (view?.stale !== false) reader.wrong.push(`'${made[0]}' was stale`);
      }
    })();
    await rebuild();
    rebuilding = false;
    await writing;
    const asked = await reader.end();
    expect(reader.wrong).toEqual([]);
    expect([asked > 100, written > 20]).toEqual([true, true]);
    await level();
    expect(await drift()).toEqual([]);
  }, 180_000);

  it('leaves everything as it was when it ends half-way, and starts clean after it', async () => {
    const [before, indexesBefore] = [await checksums(), await indexes()];
    for (const last of ['fold', 'commit'] as const) {
      const ended = rebuild(({ step, folded }) => {
        if (step === last && (step !== 'fold' || folded > 0)) throw new Error('the end');
      });
      await expect(ended).rejects.toThrow('the end');
      expect([await checksums(), await indexes()]).toEqual([before, indexesBefore]);
    }
    await database.query('create table runlog_next.left_over (n integer); create schema runlog_former');
    await rebuild();
    expect([await checksums(), await indexes()]).toEqual([before, indexesBefore]);
    expect(await database.query(`select 1 from pg_namespace where nspname in ('runlog_next', 'runlog_former')`)).toEqual([]);
  }, 180_000);

  it('is refused while another one is at work, and waits for a long read', async () => {
    const client = await database.pool.connect();
    await client.query('begin; select 1 from executions limit 1');
    let refused: Promise<unknown> | undefined;
    let waited = 0;
    await rebuild(({ step }) => {
      if (step === 'index') refused = expect(rebuild()).rejects.toThrow('another one is at work');
      if (step === 'wait for readers' && ++waited === 1) void client.query('commit');
    });
    client.release();
    await refused;
    expect(waited).toBeGreaterThan(0);
  }, 180_000);

  it('mends what was changed by hand, and what the live projection holds of it', async () => {
    const [status, node, gate, event, held] = [ids[0], ids[1], ids[2], ids[3], ids[5]] as [string, string, string, string, string];
    await database.query(`update executions set status = 'failed' where id = $1`, [status]);
    await database.query(`update execution_nodes set output = '1' where execution_id = $1`, [node]);
    await database.query(`delete from gates where execution_id = $1`, [gate]);
    await database.query(
      `update execution_events set value = regexp_replace(value, '"workflow_id":"(.)', '"workflow_id":"-') where execution_id = $1 and coalesce(first, version) = 1`,
      [event],
    );
    await database.query(`update executions set live = jsonb_set(live::jsonb, '{n_steps}', '99')::json where id = $1`, [held]);
    queries = await fixture.serve();
    await recorder.record(held, ['NodeStarted', { node_id: 'b', attempt: 2, runner: 'r' }]);
    await level();
    expect(Object.fromEntries((await drift()).map(({ executionId, because }) => [executionId, because]))).toEqual({
      [status]: `'status' is "failed" but the log gives "completed"`,
      [node]: `'nodes.a.output' is 1 but the log gives {"n":2,"text":"a\\"\\u0000"}`,
      [gate]: expect.stringContaining(`'gates.b.1' is nothing but the log gives`) as unknown,
      [event]: 'version 1 of its stored history was altered',
      [held]: `'live.n_steps' is 99 but the log gives 1`,
    });
    await rebuild();
    await recorder.record(held, ['NodeCompleted', { node_id: 'b', attempt: 2, output: 1 }]);
    await level();
    expect(await drift()).toEqual([]);
    await database.query(`update usage_daily set steps = steps + 1 where partition = 0 and agent_id = 'agent'`);
    expect(await drift()).toMatchObject([{ executionId: expect.stringContaining('partition 0'), because: expect.stringContaining('"steps"') }]);
  }, 180_000);
});

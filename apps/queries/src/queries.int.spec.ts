import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ExecutionFilter, GateFilter, LogQuery } from '@runlog/contract';
import { type EventLog, encodeJson, type NewRecord, partitionOf } from '@runlog/event-log';
import type { CreatedData, Frame } from '@runlog/execution';
import type { Database } from '@runlog/read-model';
import { until } from '@runlog/testing';
import { uuidv7 } from 'uuidv7';
import { Progress } from './projection/progress.js';
import { Summons } from './projection/summons.js';
import type { QueriesService } from './queries.service.js';
import { Fixture } from './testing/fixture.js';
import { createdData, type Recorder } from './testing/recorder.js';
import { verifyReadModel } from './verify.js';

const timeoutMs = 50_000;

describe('queries', () => {
  let fixture: Fixture;
  let database: Database;
  let log: EventLog;
  let logger: Fixture['parts']['logger'];
  let queries: QueriesService;
  let recorder: Recorder;
  let workspaceId: string;
  let pinned: Fixture['pinned'];
  /** An execution that stays in quarantine. */
  let broken: string;

  beforeAll(async () => {
    fixture = await Fixture.start();
    ({ recorder, workspaceId, pinned } = fixture);
    ({ database, log, logger } = fixture.parts);
    queries = await fixture.serve();
  }, 60_000);

  afterAll(() => fixture?.stop());

  const restart = async () => {
    queries = await fixture.serve();
  };
  const one = async (id: string, minVersion: number) => {
    const answer = await queries.reads.execution({ workspaceId, ref: id, nodes: true, fresh: { minVersion, timeoutMs } });
    if (!answer || answer.stale) throw new Error(`Expected '${id}' at version ${minVersion}, but got ${JSON.stringify(answer)}`);
    return answer.view;
  };
  const filter = (given: Partial<ExecutionFilter>): ExecutionFilter => ({ workspaceId, sort: 'created_at', descending: true, limit: 50, ...given });
  const begun = (given: Partial<CreatedData> = {}) =>
    [
      ['ExecutionCreated', createdData({ ...pinned, ...given })],
      ['ExecutionQueued', { queue_name: null }],
      ['ExecutionStarted', {}],
    ] as const;

  it('folds what it reads, however the events fall into batches', async () => {
    const id = uuidv7();
    await recorder.record(id, ...begun({ input: { text: 'a"\\\u0000\ud800' }, hashid: 'first', key: 'workflow_7' }), ['NodeScheduled', { node_id: 'a', attempt: 1, kind: 'code' }]);
    expect(await one(id, 4)).toMatchObject({ status: 'running', input: { text: 'a"\\\u0000\ud800' }, nodes: { a: { status: 'scheduled', name: 'A', type: 'code' } } });
    await recorder.record(id, ['NodeStarted', { node_id: 'a', attempt: 1, runner: 'r' }]);
    await one(id, 5);
    await recorder.record(id, ['NodeCompleted', { node_id: 'a', attempt: 1, output: { n: '\u0000' } }]);
    await one(id, 6);
    await recorder.record(id, ['NodeCompleted', { node_id: 'b', attempt: 1, output: 2, inline: true }], ['ExecutionCompleted', { output: 3 }]);
    const view = await one(id, 8);
    expect(view).toMatchObject({ status: 'completed', output: 3, n_steps: 2, completed_actions_count: 2, version: 8, nodes: { a: { output: { n: '\u0000' } }, b: { output: 2 } } });
    for (const ref of ['first', 'workflow_7']) expect((await queries.reads.execution({ workspaceId, ref, nodes: false }))?.view.id).toBe(id);
    expect(await queries.reads.execution({ workspaceId: uuidv7(), ref: id, nodes: false })).toBeNull();
  });

  it('shows an execution as it stood at an earlier version', async () => {
    const id = uuidv7();
    await recorder.record(id, ...begun(), ['NodeCompleted', { node_id: 'a', attempt: 1, output: 1, inline: true }], ['ExecutionCompleted', { output: 1 }]);
    const now = await one(id, 5);
    const at = async (atVersion: number) => (await queries.reads.execution({ workspaceId, ref: id, nodes: true, atVersion }))?.view;
    expect(await at(3)).toMatchObject({ version: 3, status: 'running', completed_at: null, nodes: {} });
    expect(await at(4)).toMatchObject({ version: 4, n_steps: 1, nodes: { a: { status: 'completed' } } });
    expect(await at(5)).toEqual(now);
    expect(await at(6)).toEqual(now);
  });

  it('keeps the history verbatim', async () => {
    const id = uuidv7();
    await recorder.record(id, ...begun());
    await one(id, 3);
    const events = await queries.reads.events({ workspaceId, executionId: id, after: 1, limit: 10 });
    expect(events.map(({ version, type, value }) => [version, type, value])).toEqual([
      [2, 'ExecutionQueued', '{"queue_name":null}'],
      [3, 'ExecutionStarted', '{}'],
    ]);
    expect(events[1]?.previous).toBe(events[0]?.id);
  });

  it('waits for a version, within bounds', async () => {
    const id = uuidv7();
    const later = queries.reads.execution({ workspaceId, ref: id, nodes: false, fresh: { minVersion: 3, timeoutMs } });
    await recorder.record(id, ...begun());
    expect(await later).toMatchObject({ stale: false, view: { version: 3 } });
    expect(await queries.reads.execution({ workspaceId, ref: id, nodes: false, fresh: { minVersion: 4, timeoutMs: 20 } })).toMatchObject({ stale: true, view: { version: 3 } });
    const partition = partitionOf(id, log.partitions('execution-events'));
    const end = await log.end('execution-events', partition);
    expect(await queries.reads.execution({ workspaceId, ref: id, nodes: false, fresh: { partition, offset: end, timeoutMs } })).toMatchObject({ stale: false });
    expect(await queries.reads.execution({ workspaceId, ref: id, nodes: false, fresh: { partition, offset: end + 1, timeoutMs: 20 } })).toMatchObject({ stale: true });
  });

  it('has the open gates of live executions, and no others', async () => {
    const ids = Array.from({ length: 4 }, () => uuidv7()).sort();
    const rules = { schema: null, approvers: null, expires_at: null, on_expiry: 'fail', on_reject: 'reject', reminders_at: [] } as const;
    const asks = (node_id: string) => ({ node_id, attempt: 1, gate_id: `${node_id}.1`, prompt: `${node_id}?`, ...rules });
    const inbox = async (given: Partial<GateFilter> = {}) => {
      const { rows } = await queries.reads.gates({ workspaceId, limit: 10, ...given });
      return rows.filter(({ execution_id }) => ids.includes(execution_id)).map(({ execution_id, gate }) => `${ids.indexOf(execution_id)} ${gate.id}`);
    };
    for (const [n, id] of ids.entries()) {
      await recorder.record(id, ...begun({ key: `asks_${n}` }), ['ApprovalRequested', asks('a'), 2_000 + n], ['QuestionRequested', asks('b'), 2_000 + n]);
      await one(id, 5);
    }
    expect(await inbox()).toEqual(['3 b.1', '3 a.1', '2 b.1', '2 a.1', '1 b.1', '1 a.1', '0 b.1', '0 a.1']);
    expect([await inbox({ kind: 'question', nodeId: 'b', limit: 2 }), await inbox({ workflowId: uuidv7() }), await inbox({ podId: uuidv7() })]).toEqual([
      ['3 b.1', '2 b.1'],
      [],
      [],
    ]);
    const place = { requestedAt: 2_002, executionId: ids[2] as string, gateId: 'a.1' };
    expect([await inbox({ after: place, limit: 2 }), await inbox({ before: place, limit: 2 })]).toEqual([
      ['1 b.1', '1 a.1'],
      ['3 a.1', '2 b.1'],
    ]);
    const [answered, cancelled, failed] = ids as [string, string, string, string];
    const said = { node_id: 'a', gate_id: 'a.1', decision: 'approve', answer: null, comment: null, by: 'user:1' } as const;
    await recorder.record(answered, ['ResponseReceived', { ...said, accepted: true }], ['NodeCompleted', { node_id: 'a', attempt: 1, output: {} }]);
    await recorder.record(cancelled, ['CancelRequested', { by: 'user:1', reason: null, grace_ms: 1, running: ['c'] }]);
    await recorder.record(failed, ['ExecutionFailed', { error: 'no', error_code: 'x', error_node_id: null }]);
    for (const [id, version] of [
      [answered, 7],
      [cancelled, 6],
      [failed, 6],
    ] as const)
      await one(id, version);
    expect(await inbox()).toEqual(['3 b.1', '3 a.1', '0 b.1']);
  });

  it('lists what is on the log when asked, in a process that projects nothing, too', async () => {
    const elsewhere = fixture.station();
    for (const session of ['now-1', 'now-2', 'now-3'])
      for (const { reads } of [elsewhere, queries]) {
        const id = uuidv7();
        await recorder.record(id, ...begun({ session_id: session }), ['ExecutionCompleted', { output: null }]);
        const { rows } = await reads.executions(filter({ sessionId: session, limit: 1 }));
        expect(rows).toMatchObject([{ id, status: 'completed' }]);
      }
  });

  it('hears of a reader that waits in another process, and lets nothing collect then', async () => {
    const progress = new Progress(database, 'executions');
    const summons = new Summons(database, (partition) => progress.hurry(partition), logger);
    await until('it listens', () => summons.isHeard);
    const elsewhere = new Progress(database, 'executions', (partition) => summons.call(partition));
    const collected = progress.collect(3, 2 ** 31 - 1);
    await elsewhere.moved(3, AbortSignal.timeout(timeoutMs));
    await collected;
    await summons.stop();
    expect(summons.isHeard).toBe(false);
  });

  it('filters, pages in both directions and counts', async () => {
    const session = 'session-1';
    const ids = Array.from({ length: 5 }, () => uuidv7()).sort();
    for (const [i, id] of ids.entries()) {
      const given = {
        session_id: session,
        tags: i % 2 ? ['odd', 'a"b\\'] : ['even'],
        metadata: { n: i, nested: { x: 1 } },
        key: `listed_${i}`,
        name: `Listed ${i}`,
        hashid: `list${i}`,
      };
      await recorder.record(id, ...begun(given), ...(i === 4 ? ([['ExecutionCompleted', { output: null }]] as const) : []));
    }
    await Promise.all(ids.map((id, i) => one(id, i === 4 ? 4 : 3)));
    const list = async (given: Partial<ExecutionFilter>) => (await queries.reads.executions(filter({ sessionId: session, ...given }))).rows.map(({ id }) => ids.indexOf(id));
    expect(await list({})).toEqual([4, 3, 2, 1, 0]);
    expect(await list({ descending: false })).toEqual([0, 1, 2, 3, 4]);
    expect(await list({ statuses: ['completed'] })).toEqual([4]);
    expect(await list({ statuses: ['completed', 'running'] })).toEqual([4, 3, 2, 1, 0]);
    expect(await list({ tag: 'a"b\\' })).toEqual([3, 1]);
    expect(await list({ metadata: { n: '2' } })).toEqual([2]);
    expect(await list({ metadata: { nested: '1' } })).toEqual([]);
    expect(await list({ q: 'sted_3' })).toEqual([3]);
    expect(await list({ q: ids[1] as string })).toEqual([1]);
    expect(await list({ q: '%' })).toEqual([]);
    expect(await list({ sort: 'completed_at' })).toEqual([4, 3, 2, 1, 0]);
    expect(await list({ sort: 'completed_at', descending: false })).toEqual([0, 1, 2, 3, 4]);
    expect(await list({ sort: 'duration_ms', limit: 2 })).toHaveLength(2);
    expect(await list({ sort: 'cost', limit: 2, offset: 2 })).toEqual([2, 1]);
    expect(await list({ workflowId: pinned.workflow_id, limit: 1 })).toEqual([4]);
    expect(await list({ workflowId: 'none' })).toEqual([]);

    const first = await queries.reads.executions(filter({ sessionId: session, limit: 2, withTotal: true }));
    expect([first.hasMore, first.total, first.totalCapped, first.lagMs]).toEqual([true, 5, false, 0]);
    const cursor = (index: number) => ({ value: first.rows[0]?.created_at ?? null, id: ids[index] as string });
    expect(await list({ limit: 2, after: cursor(3) })).toEqual([2, 1]);
    expect(await list({ limit: 2, before: cursor(1) })).toEqual([3, 2]);
    expect((await queries.reads.executions(filter({ sessionId: session, limit: 2, before: cursor(3) }))).hasMore).toBe(false);
  });

  it('stores log lines once and late reports with their attempt', async () => {
    const id = uuidv7();
    await recorder.record(id, ...begun(), ['NodeStarted', { node_id: 'a', attempt: 1, runner: 'r' }]);
    const line = (n: number) => ({ node: 'a', attempt: 1, at: n, level: n === 2 ? ('error' as const) : ('info' as const), message: `line ${n}\0`, fields: { n } });
    const lines = (dedupe: string, ...of: readonly number[]): Frame => ({ type: 'lines', executionId: id, workspaceId, lines: of.map(line), dedupe });
    const old: Frame = { type: 'log', executionId: id, workspaceId, ...line(1), dedupe: 'r:1' };
    const late: Frame = { type: 'late_report', executionId: id, workspaceId, node: 'a', attempt: 1, at: 9, runner: 'r', report: 'completed', because: 'lost' };
    const partition = partitionOf(id, log.partitions('execution-frames'));
    const broken = [{ ...old, executionId: 'broken' }, lines('bro\0ken', 7), { ...lines('r:8'), lines: 'none' as never }];
    const records = [old, lines('r:2', 2, 3), old, late, ...broken, lines('r:2', 2, 3), lines('r:3', 4)].map((frame) => encodeJson(id, frame));
    await log.send([{ topic: 'execution-frames', partition, records }]);
    const read = (ask: Partial<LogQuery> = {}) => queries.reads.logs({ workspaceId, executionId: id, after: 0, limit: 10, ...ask });
    const found = await until('four lines are there', async () => {
      const all = await read();
      return all.length === 4 && all;
    });
    const [first, second, third] = found.map(({ seq }) => seq);
    expect(found).toEqual([1, 2, 3, 4].map((n, at) => ({ ...line(n), node: undefined, node_id: 'a', message: `line ${n}\uFFFD`, seq: found[at]?.seq })));
    expect(found.map(({ seq }) => seq)).toEqual([...new Set(found.map(({ seq }) => seq))].sort((a, b) => a - b));
    const numbers = async (ask: Partial<LogQuery>) => (await read(ask)).map(({ at }) => at);
    expect(await numbers({ limit: 2 })).toEqual([1, 2]);
    expect(await numbers({ after: first as number, limit: 1 })).toEqual([2]);
    expect(await numbers({ after: second as number })).toEqual([3, 4]);
    expect(await numbers({ after: third as number })).toEqual([4]);
    expect(await numbers({ limit: 3, last: true })).toEqual([2, 3, 4]);
    expect(await numbers({ level: 'error', node: 'a', attempt: 1, q: 'INE' })).toEqual([2]);
    expect(await numbers({ level: 'error', after: second as number })).toEqual([]);
    expect(await numbers({ node: 'b' })).toEqual([]);
    expect(await numbers({ workspaceId: uuidv7() })).toEqual([]);
    const view = await one(id, 4);
    expect(view).toMatchObject({ log_count: 4, last_log_line: 'line 4\uFFFD', nodes: { a: { attempts: [{ late_report: { at: 9, report: 'completed', because: 'lost' } }] } } });
    expect(await queries.reads.nodes({ workspaceId, executionId: id })).toMatchObject([{ node_id: 'a', status: 'running' }]);
  });

  it('shows lines that an earlier version stored before those that came since', async () => {
    const id = uuidv7();
    for (const [n, message] of ['one', 'two'].entries())
      await database.query(
        "insert into execution_logs (execution_id, workspace_id, at, level, message, node_id, attempt, fields, dedupe) values ($1, $2, $3, 'info', $4, 'a', 1, '{}', $4)",
        [id, workspaceId, n, message],
      );
    await database.query('insert into execution_lines (execution_id, workspace_id, dedupe, lines) values ($1, $2, $3, $4)', [
      id,
      workspaceId,
      'r:1',
      JSON.stringify(['three', 'four'].map((message) => ({ node: 'a', attempt: 1, at: 3, level: 'info', message }))),
    ]);
    const read = async (ask: Partial<LogQuery>) => queries.reads.logs({ workspaceId, executionId: id, after: 0, limit: 10, ...ask });
    const all = await read({});
    expect(all.map(({ message }) => message)).toEqual(['one', 'two', 'three', 'four']);
    for (const [at, { seq }] of all.entries()) expect(await read({ after: seq })).toEqual(all.slice(at + 1));
    expect((await read({ limit: 3, last: true })).map(({ message }) => message)).toEqual(['two', 'three', 'four']);
  });

  it('quarantines an execution that PostgreSQL refuses, and goes on with the rest', async () => {
    const [bad, good] = samePartition(log);
    const records = [
      ...recorder.encode(good, ...begun()),
      ...recorder.encode(bad, ...begun({ workflow_id: 'no-uuid' })),
      ...recorder.encode(good, ['ExecutionCompleted', { output: 1 }]),
    ];
    await recorder.append(good, records);
    expect(await one(good, 4)).toMatchObject({ status: 'completed' });
    expect(await queries.reads.execution({ workspaceId, ref: bad, nodes: false })).toBeNull();
    const [row] = await database.query<{ execution_id: string; cause: string }>('select * from projection_quarantine');
    expect(row).toMatchObject({ execution_id: bad, cause: expect.stringContaining('Expected a value of type uuid') as unknown });
    const { drift } = await verifyReadModel(fixture.parts);
    expect(drift).toEqual([{ executionId: bad, because: 'it is quarantined' }]);
    await restart();
    expect(await database.query('select 1 from projection_quarantine')).toHaveLength(1);
    broken = bad;
  });

  it('folds a quarantined execution on once the cause is gone, beside one that stays broken', async () => {
    const id = besides(log, broken);
    await recorder.record(id, ...begun());
    await one(id, 3);
    await database.query(`alter table execution_nodes add constraint no_b check (node_id <> 'b') not valid`);
    await recorder.record(id, ['NodeCompleted', { node_id: 'b', attempt: 1, output: 2, inline: true }]);
    await until('the execution is in quarantine', async () => (await database.query('select 1 from projection_quarantine where execution_id = $1', [id])).length === 1);
    await recorder.record(id, ['ExecutionCompleted', { output: 2 }]);
    expect(await queries.reads.execution({ workspaceId, ref: id, nodes: false })).toMatchObject({ view: { version: 3, status: 'running' } });
    await database.query('alter table execution_nodes drop constraint no_b');
    await restart();
    expect(await one(id, 5)).toMatchObject({ status: 'completed', nodes: { b: { output: 2 } } });
    expect(await database.query('select execution_id as id from projection_quarantine')).toEqual([{ id: broken }]);
    await database.query('delete from projection_quarantine');
  });

  it('quarantines the execution of an undecodable event', async () => {
    const [bad, good] = samePartition(log);
    const [created, ...rest] = recorder.encode(bad, ...begun());
    await recorder.append(good, [created as NewRecord, { ...(rest[0] as NewRecord), value: '{"broken' }, rest[1] as NewRecord, ...recorder.encode(good, ...begun())]);
    await one(good, 3);
    expect(await database.query('select execution_id as id from projection_quarantine')).toEqual([{ id: bad }]);
    await until('there is a dead letter', async () => (await log.end('dead-letters', 0)) > 0);
    await database.query('delete from projection_quarantine');
  });

  it('is not disturbed by void events', async () => {
    const id = uuidv7();
    const records = recorder.encode(id, ...begun());
    const voided = records.map((record) => ({ ...record, headers: { ...record.headers, ce_claim: '-1', ce_id: 'void' } }));
    await recorder.append(id, [...voided, ...records]);
    expect(await one(id, 3)).toMatchObject({ status: 'running' });
    expect((await queries.reads.events({ workspaceId, executionId: id, after: 0, limit: 10 })).map(({ version }) => version)).toEqual([1, 2, 3]);
  });

  it('reads histories in pages, from rows of several events and from those that earlier versions wrote', async () => {
    const id = uuidv7();
    const page = (after: number, limit: number) => queries.reads.events({ workspaceId, executionId: id, after, limit });
    await recorder.record(id, ...begun());
    await one(id, 3);
    const begin = await page(0, 10);
    const rows = () => database.query<{ first: number | null; version: number }>('select first, version from execution_events where execution_id = $1 order by version', [id]);
    expect(await rows()).toEqual([{ first: 1, version: 3 }]);
    await database.query('delete from execution_events where execution_id = $1', [id]);
    for (const event of begin)
      await database.query(
        `insert into execution_events (execution_id, version, id, type, schema_version, at, previous, command_id, command_offset, workspace_id, value)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
        [id, event.version, event.id, event.type, event.schema_version, event.at, event.previous, event.command_id, event.command_offset, workspaceId, event.value],
      );
    expect(await page(0, 10)).toEqual(begin);
    await recorder.record(id, ['NodeStarted', { node_id: 'a', attempt: 1, runner: 'r' }], ['NodeCompleted', { node_id: 'a', attempt: 1, output: 'ä' }]);
    await one(id, 5);
    expect((await rows()).at(-1)).toEqual({ first: 4, version: 5 });
    const all = await page(0, 10);
    expect(all.map(({ version, previous }) => [version, previous])).toEqual(all.map((_, nth) => [nth + 1, all[nth - 1]?.id ?? '']));
    expect(all.slice(0, 3)).toEqual(begin);
    expect(await page(2, 2)).toEqual(all.slice(2, 4));
    expect(await page(4, 1)).toEqual(all.slice(4));
    expect(await page(5, 10)).toEqual([]);
    expect((await verifyReadModel({ ...fixture.parts, workspaceId })).drift.filter(({ executionId }) => executionId === id)).toEqual([]);
  });

  it('finds rows that are not the fold of the log', async () => {
    const [first, second] = [uuidv7(), uuidv7()];
    await recorder.record(first, ...begun());
    await recorder.record(second, ...begun());
    await Promise.all([one(first, 3), one(second, 3)]);
    await database.query(`update executions set live = '${JSON.stringify({ status: 'failed' })}' where id = $1`, [first]);
    await database.query('delete from execution_events where execution_id = $1', [second]);
    const ghost = uuidv7();
    await database.query(`insert into executions select (json_populate_record(e, '{"id":"${ghost}"}')).* from executions e where id = $1`, [second]);
    const { checked, drift } = await verifyReadModel({ ...fixture.parts, workspaceId });
    expect(checked).toBeGreaterThan(2);
    await database.query('delete from executions where id = $1', [ghost]);
    expect(drift.map(({ executionId }) => executionId)).toEqual(expect.arrayContaining([first, second, ghost]));
  });

  it('goes on where it stood, with the views that are still open', async () => {
    const id = uuidv7();
    await recorder.record(id, ...begun(), ['NodeStarted', { node_id: 'a', attempt: 1, runner: 'r' }]);
    await one(id, 4);
    await queries.stop();
    await recorder.record(id, ['NodeCompleted', { node_id: 'a', attempt: 1, output: 5 }], ['ExecutionCompleted', { output: 6 }]);
    await restart();
    expect(await one(id, 6)).toMatchObject({
      status: 'completed',
      output: 6,
      running_actions_count: 0,
      completed_actions_count: 1,
      nodes: { a: { output: 5, attempts: [{ runner: 'r' }] } },
    });
    const positions = await queries.reads.positions();
    expect(positions).toHaveLength(log.partitions('execution-events'));
    await until('it has every partition again', async () => queries.describe().partitions.join() === '0,1,2,3');
    expect(queries.describe().projection).toBe(true);
  });

  it('goes on when its connections break in the middle of a batch', async () => {
    const ids = Array.from({ length: 200 }, () => uuidv7());
    const recording = Promise.all(ids.map((id) => recorder.record(id, ...begun(), ['ExecutionCompleted', { output: null }])));
    for (let i = 0; i < 5; i++)
      await database.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'runlog' and pid <> pg_backend_pid()`).catch(() => undefined);
    await recording;
    for (const id of ids) await eventually(() => one(id, 4));
    const { drift } = await verifyReadModel(fixture.parts);
    expect(drift.filter(({ executionId }) => ids.includes(executionId))).toEqual([]);
  });

  it('adds up what was used per day', async () => {
    const [row] = await database.query<{ created: number; completed: number; steps: number }>(
      'select sum(created)::int as created, sum(completed)::int as completed, sum(steps)::int as steps from usage_daily where workspace_id = $1',
      [workspaceId],
    );
    const [counted] = await database.query(
      `select count(*)::int as created, count(*) filter (where status = 'completed')::int as completed, sum(coalesce((live->>'n_steps')::int, 0))::int as steps from executions where workspace_id = $1`,
      [workspaceId],
    );
    expect(row).toEqual(counted);
  });

  it('stops a partition at a gap, with an alarm, and nothing else', async () => {
    const [gap, other] = [uuidv7(), uuidv7()];
    const elsewhere = partitionOf(other, 4) === partitionOf(gap, 4) ? otherPartition(gap) : other;
    const [created, , third] = recorder.encode(gap, ...begun());
    await recorder.append(gap, [created as NewRecord, third as NewRecord]);
    await until('it sees that it is not well', async () => queries.describe().projection !== true);
    expect(queries.describe().projection).toContain(`Expected version 2 of execution '${gap}', but got 3`);
    await recorder.record(elsewhere, ...begun());
    expect(await one(elsewhere, 3)).toMatchObject({ status: 'running' });
    expect(await queries.reads.execution({ workspaceId, ref: gap, nodes: false })).toBeNull();
    await until('a list says how late it is', async () => (await queries.reads.executions(filter({ limit: 1 }))).lagMs > 0);
  });
});

const otherPartition = (id: string): string => {
  for (;;) {
    const other = uuidv7();
    if (partitionOf(other, 4) !== partitionOf(id, 4)) return other;
  }
};

/** The first answer, once the question no longer meets a broken connection. */
const eventually = <Result>(ask: () => Promise<Result>) => until('an answer', () => ask().catch(() => undefined));

/** The id of another execution in the same partition. */
const besides = (log: EventLog, first: string): string => {
  for (;;) {
    const second = uuidv7();
    if (partitionOf(first, log.partitions('execution-events')) === partitionOf(second, log.partitions('execution-events'))) return second;
  }
};

const samePartition = (log: EventLog): [string, string] => {
  const first = uuidv7();
  return [first, besides(log, first)];
};

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ExecutionFilter } from '@runlog/contract';
import { createPostgresLog, type EventLog, type NewRecord, partitionOf } from '@runlog/event-log';
import { createLogger } from '@runlog/platform';
import { Catalog, createDatabase, type Database, type Sql } from '@runlog/read-model';
import { startTestDatabase, type TestDatabase } from '@runlog/testing';
import { uuidv7 } from 'uuidv7';
import { QueriesService } from '../queries.service.js';
import { createdData, Recorder } from '../testing/recorder.js';
import { verifyReadModel } from '../verify.js';
import { isSearched, pageStatement, type Statement, searchStatements } from './execution-list.js';
import { byIndex, foundIds, MOST_SORTED } from './found-ids.js';

const EXECUTIONS = 20_000;
const BATCH = 500;
const LIMIT = 100;

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: readonly Plan[];
}

let server: TestDatabase;
let database: Database;
let log: EventLog;
let catalog: Catalog;
let recorder: Recorder;
let queries: QueriesService;
let workspaceId: string;
let workflowId: string;

/** Real events through the log's port, folded by the real projection. */
beforeAll(async () => {
  server = await startTestDatabase();
  const url = await server.fresh();
  database = await createDatabase({ url });
  catalog = new Catalog(database);
  workspaceId = (await catalog.seedDefaults()).workspace.id;
  const nodes = [{ id: 'a', type: 'transform', name: 'A', config: { expression: '1' } }];
  const { workflow, version } = await catalog.createWorkflow({ workspaceId, definition: { key: 'many', name: 'Many', nodes, edges: [] }, by: null, at: 1 });
  workflowId = workflow.id;
  log = createPostgresLog({ connectionString: url });
  await log.start();
  recorder = new Recorder(log, workspaceId);
  await recorder.start();
  const logger = createLogger('lists-spec', { logLevel: 'fatal' });
  queries = new QueriesService({ database, log, catalog, logger });
  await queries.start();
  const partitions = log.partitions('execution-events');
  const pinned = { workflow_id: workflow.id, workflow_version_id: version.id };
  for (let from = 0; from < EXECUTIONS; from += BATCH) {
    const due = new Map<number, { first: string; records: NewRecord[] }>();
    for (let n = from; n < from + BATCH; n++) {
      const id = uuidv7();
      const partition = partitionOf(id, partitions);
      const into = due.get(partition) ?? { first: id, records: [] };
      due.set(partition, into);
      const of = {
        ...pinned,
        key: `many_${n}`,
        hashid: `h${n}`,
        run_number: n,
        tags: [n % 400 === 0 ? 'rare' : 'common', ...(n < 14_000 ? ['early'] : [])],
        user_id: `user_${n % 200}`,
        metadata: { n: n % 1000 },
      };
      into.records.push(
        ...recorder.encode(
          id,
          ['ExecutionCreated', createdData(of), 1_000 * n],
          ['ExecutionQueued', { queue_name: null }, 1_000 * n],
          ['ExecutionStarted', {}, 1_000 * n],
          n % 10 === 0 ? ['ExecutionFailed', { error: 'no', error_code: 'no', error_node_id: null }, 1_000 * n + 5] : ['ExecutionCompleted', { output: n }, 1_000 * n + 5],
        ),
      );
    }
    await Promise.all([...due.values()].map(({ first, records }) => recorder.append(first, records)));
  }
  for (let partition = 0; partition < partitions; partition++) {
    const fresh = { partition, offset: await log.end('execution-events', partition), timeoutMs: 100_000 };
    await queries.reads.execution({ workspaceId, ref: uuidv7(), nodes: false, fresh });
  }
  await database.query('vacuum (analyze) executions');
}, 180_000);

afterAll(async () => {
  await recorder?.stop();
  await queries?.stop();
  await log?.stop();
  await database?.close();
  await server?.stop();
}, 60_000);

const filter = (given: Partial<ExecutionFilter> = {}): ExecutionFilter => ({ workspaceId, sort: 'created_at', descending: true, limit: LIMIT, ...given });

/** As the read side asks for it: pages of memory that PostgreSQL looked at, and tables that it read from end to end. */
const cost = async (given: ExecutionFilter): Promise<{ blocks: number; scanned: string[] }> => {
  if (!isSearched(given)) return costOf(database.tenant(workspaceId), pageStatement(given));
  const { near, all } = searchStatements(given, MOST_SORTED);
  const [first, second] = [await costOf(database, near), await database.transaction((sql) => costOf({ query: (text, values = []) => byIndex(sql, { text, values }) }, all))];
  return { blocks: first.blocks + second.blocks, scanned: [...first.scanned, ...second.scanned] };
};

const costOf = async (sql: Sql, { text, values }: Statement): Promise<{ blocks: number; scanned: string[] }> => {
  const [row] = await sql.query<{ 'QUERY PLAN': { Plan: Plan }[] }>(`explain (analyze, buffers, format json) ${text}`, [...values]);
  const plan = (row as { 'QUERY PLAN': { Plan: Plan }[] })['QUERY PLAN'][0]?.Plan as Plan;
  const all = (one: Plan): Plan[] => [one, ...(one.Plans ?? []).flatMap(all)];
  const scanned = all(plan).flatMap((one) => (one['Node Type'] === 'Seq Scan' && one['Relation Name'] === 'executions' ? [text] : []));
  return { blocks: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'], scanned };
};

describe(`lists of ${EXECUTIONS.toLocaleString('en')} executions`, () => {
  it('show each once, newest first, from the first page to the last and back', async () => {
    const seen: string[] = [];
    let after: ExecutionFilter['after'];
    for (;;) {
      const { rows, hasMore } = await queries.reads.executions(filter({ after }));
      seen.push(...rows.map(({ key }) => key));
      const last = rows.at(-1);
      if (!hasMore || !last) break;
      after = { value: last.created_at, id: last.id };
    }
    expect(seen).toEqual(Array.from({ length: EXECUTIONS }, (_, i) => `many_${EXECUTIONS - 1 - i}`));
    const { rows } = await queries.reads.executions(filter({ before: after }));
    expect(rows.map(({ key }) => key)).toEqual(seen.slice(-2 * LIMIT - 1, -LIMIT - 1));
  });

  it('cost the same at the last page as at the first', async () => {
    const { rows } = await queries.reads.executions(filter({ descending: false, limit: LIMIT + 1 }));
    const place = rows.at(-1);
    if (!place) throw new Error('Expected a page, but there is none');
    const [first, last] = [await cost(filter()), await cost(filter({ after: { value: place.created_at, id: place.id } }))];
    expect([...first.scanned, ...last.scanned]).toEqual([]);
    expect(last.blocks).toBeLessThanOrEqual(1.5 * first.blocks);
  });

  it.each([
    ['all', {}],
    ['of a status', { statuses: ['failed'] }],
    ['of a workflow', { workflowId: uuidv7() }],
    ['of a status and a workflow, from a place on', { statuses: ['failed'], workflowId: uuidv7(), before: { value: 1, id: uuidv7() } }],
  ] as const)('%s are planned once, by an index in their order', async (_, given) => {
    const { text, name } = pageStatement(filter({ ...(given as Partial<ExecutionFilter>) }));
    expect(name).toBeDefined();
    const plan = JSON.stringify(await database.tenant(workspaceId).query(`explain (generic_plan, format json) ${text}`));
    expect(plan).toContain('"Index Name":"executions_');
    expect(plan).not.toMatch(/"Node Type":"(Seq Scan|Sort|Incremental Sort)"/);
  });

  it.each([
    ['of a status', { statuses: ['failed'] }],
    ['of a status nobody has', { statuses: ['rejected'] }],
    ['of two statuses', { statuses: ['failed', 'cancelled'] }],
    ['of a user', { userId: 'user_7' }],
    ['with a rare tag', { tag: 'rare' }],
    ['with metadata', { metadata: { n: '7' } }],
    ['by a word of the key', { q: 'many_1234' }],
    ['by duration', { sort: 'duration_ms' }],
    ['oldest first', { descending: false }],
  ] as const)('%s read no table from end to end, and show what there is', async (_, given) => {
    const asked = filter({ ...(given as Partial<ExecutionFilter>), withTotal: true });
    expect((await cost(asked)).scanned).toEqual([]);
    const { rows, total = 0 } = await queries.reads.executions(asked);
    expect(rows).toHaveLength(Math.min(LIMIT, total));
  });

  it('find what lies together at the other end without going through all that is newer', async () => {
    const asked = filter({ q: 'many_11', limit: 50 });
    const [found, oldest] = [await queries.reads.executions(asked), await queries.reads.executions({ ...asked, descending: false })];
    expect([found.rows[0]?.key, oldest.rows[0]?.key]).toEqual(['many_11999', 'many_11']);
    const rest = await queries.reads.executions({ ...asked, after: { value: found.rows[49]?.created_at ?? 0, id: found.rows[49]?.id ?? '' } });
    expect(rest.rows[0]?.key).toBe('many_11949');
    const everything = await costOf(database, pageStatement(filter({ limit: EXECUTIONS })));
    expect((await cost(asked)).blocks).toBeLessThan(everything.blocks / 2);
  });

  it('find what is frequent, but not among the newest', async () => {
    const keyOf = async (given: Partial<ExecutionFilter>) => (await queries.reads.executions(filter({ tag: 'early', ...given }))).rows.at(-1)?.key;
    expect([await keyOf({ limit: 1 }), await keyOf({ limit: 100 }), await keyOf({ descending: false, limit: 100 })]).toEqual(['many_13999', 'many_13900', 'many_99']);
    const asked = filter({ tag: 'early' });
    expect(await foundIds(database, asked, 10_000)).toEqual(await foundIds(database, asked));
  });

  it('have exact totals up to 10,000, and say when there are more', async () => {
    expect(await queries.reads.executions(filter({ workflowId, statuses: ['failed'], withTotal: true }))).toMatchObject({ total: EXECUTIONS / 10, totalCapped: false });
    expect(await queries.reads.executions(filter({ workflowId, withTotal: true }))).toMatchObject({ total: 10_000, totalCapped: true });
  });

  it('are the fold of the log, one in twenty looked at', async () => {
    const { checked, drift } = await verifyReadModel({ log, database, catalog, oneIn: 20 });
    expect(drift).toEqual([]);
    expect(checked).toBeGreaterThan(EXECUTIONS / 40);
  }, 120_000);
});

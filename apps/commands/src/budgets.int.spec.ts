import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type DecodedEvent, decodeJson, partitionOf } from '@runlog/event-log';
import type { CallRecord, CreatedData, ExecutionCommand, NodeTask, Reply } from '@runlog/execution';
import { createLogger } from '@runlog/platform';
import { QueriesService, verifyReadModel } from '@runlog/queries';
import type { TestDatabase } from '@runlog/testing';
import type { AgentDefinition } from '@runlog/workflow';
import { uuidv7 } from 'uuidv7';
import { Fixture, fan, node, startTestDatabase, until } from './testing/fixture.js';

const RESERVE = 1_000n;
const AGENTS = 20;
const CALLS = 3;

/** Agents as a runner leads them, but that their models cost what a die says, never more than was reserved. */
class Agents {
  readonly #abort = new AbortController();
  readonly #replies = new Map<string, (reply: Reply) => void>();
  readonly #seen = new Set<string>();
  readonly inbox = `runner-${uuidv7()}`;
  /** By node and execution: why it stopped. */
  readonly stopped = new Map<string, string>();
  #work: Promise<unknown>[] = [];

  constructor(
    private readonly fixture: Fixture,
    private readonly mostNanoUsd: bigint,
    private readonly isPriced = true,
  ) {
    this.#work.push(this.#hear(), this.#take());
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await Promise.all(this.#work);
  }

  async #hear(): Promise<void> {
    for await (const reply of this.#new<Reply>('command-replies')) if ('commandId' in reply) this.#replies.get(reply.commandId)?.(reply);
  }

  async #take(): Promise<void> {
    for await (const task of this.#new<NodeTask>('node-tasks')) {
      const id = `${task.executionId}/${task.node}.${task.attempt}`;
      if (task.kind !== 'agent' || this.#seen.has(id)) continue;
      this.#seen.add(id);
      this.#work.push(this.#run(task));
    }
  }

  /** What comes to a topic, until the test is over. */
  async *#new<Message>(topic: 'command-replies' | 'node-tasks'): AsyncGenerator<Message> {
    const { log } = this.fixture;
    const read = new Map<number, number>();
    for (; !this.#abort.signal.aborted; await new Promise((again) => setTimeout(again, 25)))
      for (let partition = 0; partition < log.partitions(topic); partition++) {
        const [from, end] = [read.get(partition) ?? 0, await log.end(topic, partition)];
        if (end > from) for await (const records of log.read(topic, partition, from, end)) for (const record of records) yield decodeJson<Message>(record);
        read.set(partition, end);
      }
  }

  async #run(task: NodeTask): Promise<void> {
    const about = { node: task.node, attempt: task.attempt, runner: this.inbox };
    await this.fixture.send(this.fixture.about(task.executionId, 'StartNode', about));
    const done = (task.journal ?? []).filter(({ standing }) => standing === 'recorded').length;
    let records: CallRecord[] = [];
    for (let call = done + 1; call <= CALLS; call++) {
      const key = `m${call}`;
      const intent = { key, kind: 'model', name: 'm', reserve_nano_usd: this.isPriced ? String(RESERVE) : null };
      const step = { ...about, nth: call, id: `step:${task.executionId}:${task.node}.${task.attempt}:${this.inbox}:${call}`, replyTo: this.inbox, records, begins: [intent] };
      const reply = await this.#ask(this.fixture.about(task.executionId, 'TakeStep', step));
      if (reply?.type === 'refused') return void this.stopped.set(`${task.executionId}/${task.node}.${task.attempt}`, reply.rejection.reason);
      if (!reply) return;
      const cost = BigInt(Math.floor(Math.random() * Number(this.mostNanoUsd + 1n)));
      const tokens = { input: 1, cache_read: 0, cache_write: 0, output: 1, reasoning: 0 };
      records = [{ key, receipt: key, used: { provider: 'openai', model: 'm', tokens, cost_nano_usd: String(cost), price: 'list' } }];
    }
    await this.fixture.send(this.fixture.about(task.executionId, 'CompleteNode', { ...about, output: 'done', records }));
  }

  /** Asks again for as long as other calls may use the budget up. Undefined: the test is over. */
  async #ask(command: ExecutionCommand): Promise<Reply | undefined> {
    while (!this.#abort.signal.aborted) {
      const heard = new Promise<Reply | undefined>((resolve) => {
        this.#replies.set(command.id, resolve);
        this.#abort.signal.addEventListener('abort', () => resolve(undefined), { once: true });
      });
      await this.fixture.send({ ...command, at: Date.now() });
      const reply = await heard;
      if (reply?.type !== 'refused' || reply.rejection.reason !== 'budget_busy') return reply;
      await new Promise((again) => setTimeout(again, 20));
    }
    return undefined;
  }
}

const definition: AgentDefinition = { key: 'thinker', name: 'Thinker', model: { provider: 'openai', name: 'm' }, tools: [], guardrails: [], limits: {} };
const logger = createLogger('budgets-spec', { logLevel: 'silent' });

describe('budgets beyond one execution', () => {
  let server: TestDatabase;
  let fixture: Fixture;
  let engines: { stop(): Promise<void> }[];
  let queries: QueriesService;
  let versionId: string;
  let agents: Agents | undefined;

  beforeAll(async () => {
    server = await startTestDatabase();
  }, 60_000);
  afterAll(() => server?.stop());

  beforeEach(async () => {
    fixture = await Fixture.open(server);
    // Two processes, each with partitions of its own.
    engines = [await fixture.service(), await fixture.service()];
    queries = new QueriesService({ database: fixture.catalog.database, log: fixture.log, catalog: fixture.catalog, logger });
    await queries.start();
    const made = await fixture.catalog.createAgent({ workspaceId: fixture.workspaceId, definition, by: null, at: 1 });
    if (!('agent' in made)) throw new Error('Expected a free key');
    const nodes = Array.from({ length: AGENTS }, (_, i) => node(`a${i}`, 'agent', { agent: made.agent.id }));
    const agents = Object.fromEntries(nodes.map(({ id }) => [id, made.version.id]));
    versionId = (await fixture.catalog.createWorkflow({ workspaceId: fixture.workspaceId, definition: fan('fan', nodes), agents, by: null, at: 1 })).version.id;
  }, 60_000);
  afterEach(async () => {
    await agents?.stop();
    agents = undefined;
    await queries.stop();
    for (const engine of engines) await engine.stop();
    await fixture.close();
  }, 60_000);
  /** Ids of executions that are on different partitions. */
  const apart = (count: number): string[] => {
    const found = new Map<number, string>();
    while (found.size < count) {
      const id = uuidv7();
      found.set(partitionOf(id, fixture.log.partitions('execution-commands')), id);
    }
    return [...found.values()];
  };
  const create = async (ids: readonly string[], created: Partial<CreatedData> = {}) => {
    const commands = ids.map((executionId) => fixture.create(versionId, {}, { executionId }));
    await fixture.send(...commands.map((command) => ({ ...command, created: { ...command.created, actions_count: AGENTS, ...created } })));
  };
  const eventsOf = async (ids: readonly string[]): Promise<DecodedEvent[]> => (await Promise.all(ids.map((id) => fixture.events(id)))).flat();
  const spentIn = (events: readonly DecodedEvent[]): bigint => events.reduce((sum, { type, data }) => (type === 'TokensUsed' ? sum + BigInt(data.cost_nano_usd ?? 0) : sum), 0n);
  const projected = (ids: readonly string[]) =>
    until('all events projected', async () => {
      for (const id of ids) {
        const length = (await fixture.events(id)).length;
        const found = await queries.reads.execution({ workspaceId: fixture.workspaceId, ref: id, nodes: false, fresh: { minVersion: length, timeoutMs: 1_000 } });
        if (!found || found.stale) return false;
      }
      return true;
    });
  const suspended = (ids: readonly string[]) =>
    Promise.all(ids.map((id) => until(`${id} suspended`, async () => (await fixture.events(id)).filter(({ type }) => type === 'ExecutionSuspended').length > 0)));
  const drift = async () => (await verifyReadModel({ log: fixture.log, database: fixture.catalog.database, catalog: fixture.catalog })).drift;

  it('are never passed by 40 agents of two executions, whose partitions have different owners; raised, all go on', async () => {
    const budget = 20_000n;
    await fixture.catalog.putBudget({ workspaceId: fixture.workspaceId, budgetNanoUsd: String(budget), period: 'month', by: 'user:admin', at: 1 });
    const ids = apart(2);
    agents = new Agents(fixture, RESERVE);
    await create(ids);
    await suspended(ids);
    const before = await eventsOf(ids);
    // 120 calls of 500 each on average ask for three times the budget.
    expect(spentIn(before)).toBeLessThanOrEqual(budget);
    expect(spentIn(before)).toBeGreaterThan(budget - BigInt(AGENTS * 2) * RESERVE);
    const gates = before.flatMap(({ type, data, executionId }) => (type === 'BudgetExhausted' ? [{ ...data, executionId }] : []));
    expect(gates.length).toBeGreaterThan(0);
    for (const gate of gates) expect(gate).toMatchObject({ scope: 'workspace', needed_nano_usd: String(RESERVE) });
    await projected(ids);
    expect(await fixture.catalog.budget(fixture.workspaceId, Date.now())).toMatchObject({ spentNanoUsd: String(spentIn(before)), reservedNanoUsd: '0' });
    expect(await drift()).toEqual([]);

    await fixture.catalog.putBudget({ workspaceId: fixture.workspaceId, budgetNanoUsd: '1000000000', period: 'month', by: 'user:admin', at: 2 });
    await fixture.send(
      ...gates.map(({ executionId, gate_id }) => fixture.about(executionId, 'Respond', { gate: gate_id, decision: 'raise', answer: null, by: 'user:admin', roles: ['admin'] })),
    );
    await Promise.all(ids.map((id) => fixture.reaches(id, 'ExecutionCompleted')));
    const all = await eventsOf(ids);
    expect(all.filter(({ type }) => type === 'TokensUsed')).toHaveLength(ids.length * AGENTS * CALLS);
    await projected(ids);
    expect(await fixture.catalog.budget(fixture.workspaceId, Date.now())).toMatchObject({ spentNanoUsd: String(spentIn(all)), reservedNanoUsd: '0' });
    expect(await drift()).toEqual([]);
  }, 120_000);

  it('hold for the executions of one tree together', async () => {
    const [root, child, other] = apart(3) as [string, string, string];
    agents = new Agents(fixture, RESERVE);
    await create([root], { tree_budget_nano_usd: '15000' });
    await create([child], { tree_budget_nano_usd: '15000', root_execution_id: root, parent_execution_id: root });
    await create([other]);
    await suspended([root, child]);
    await fixture.reaches(other, 'ExecutionCompleted');
    const events = await eventsOf([root, child]);
    expect(spentIn(events)).toBeLessThanOrEqual(15_000n);
    expect(events.find(({ type }) => type === 'BudgetExhausted')?.data).toMatchObject({ scope: 'tree' });
    await projected([root, child, other]);
    expect(await drift()).toEqual([]);
  }, 120_000);

  it('refuse a model without a price', async () => {
    await fixture.catalog.putBudget({ workspaceId: fixture.workspaceId, budgetNanoUsd: '1000', period: 'total', by: 'user:admin', at: 1 });
    const [id] = apart(1) as [string];
    agents = new Agents(fixture, RESERVE, false);
    await create([id]);
    await until('all refused', async () => agents?.stopped.size === AGENTS);
    expect(new Set(agents?.stopped.values())).toEqual(new Set(['price_unknown']));
    expect((await fixture.events(id)).filter(({ type }) => type === 'EffectIntended')).toEqual([]);
  }, 120_000);

  it('count what a lost call may have cost, and give back what a refused one reserved', async () => {
    await fixture.catalog.putBudget({ workspaceId: fixture.workspaceId, budgetNanoUsd: '2500', period: 'day', by: 'user:admin', at: 1 });
    const [id] = apart(1) as [string];
    await create([id]);
    const about = (n: number) => ({ node: `a${n}`, attempt: 1, runner: 'r' });
    const begins = [{ key: 'm1', kind: 'model', name: 'm', reserve_nano_usd: '1000' }];
    const step = (n: number, rest: object = {}) => fixture.about(id, 'TakeStep', { ...about(n), nth: 1, id: `step:${n}`, replyTo: 'inbox', records: [], begins, ...rest });
    await fixture.send(fixture.about(id, 'StartNode', about(0)), fixture.about(id, 'StartNode', about(1)), fixture.about(id, 'StartNode', about(2)));
    // Somebody else's attempt: it reserves nothing in the end, though an owner that died before it was decided had reserved for it.
    await fixture.catalog.database.query(
      `insert into budget_reservations (account, execution_id, node_id, attempt, key, command_id, workspace_id, nano_usd, reserved_at)
       values ('workspace:' || $2, $1, 'a0', 1, 'm1', 'step:stranger', $2::uuid, 1000, 1)`,
      [id, fixture.workspaceId],
    );
    const answered = (count: number) =>
      until(`${count} answers`, async () => {
        const replies = await fixture.replies('inbox');
        return replies.length >= count && replies;
      });
    await fixture.send(step(0, { runner: 'stranger', id: 'step:stranger' }), step(0));
    await answered(2);
    await fixture.send(step(1), step(0), step(2));
    const answers = await answered(5);
    const said = (commandId: string) =>
      answers.flatMap((reply) => ('commandId' in reply && reply.commandId === commandId ? [reply.type === 'refused' ? reply.rejection.reason : reply.type] : []));
    expect([said('step:stranger'), said('step:0'), said('step:1'), said('step:2')]).toEqual([['attempt_over'], ['accepted', 'accepted'], ['accepted'], ['budget_busy']]);
    expect(await fixture.catalog.budget(fixture.workspaceId, Date.now())).toMatchObject({ spentNanoUsd: '0', reservedNanoUsd: '2000' });
    await fixture.send(fixture.about(id, 'LoseAttempt', { ...about(0), because: 'silent' }));
    await fixture.reaches(id, 'AttemptLost');
    await projected([id]);
    expect(await fixture.catalog.budget(fixture.workspaceId, Date.now())).toMatchObject({ spentNanoUsd: '1000', reservedNanoUsd: '1000' });
    expect(await drift()).toEqual([]);
  }, 120_000);

  it('set nothing aside for a step that comes once more when its calls have ended', async () => {
    await fixture.catalog.putBudget({ workspaceId: fixture.workspaceId, budgetNanoUsd: '2500', period: 'day', by: 'user:admin', at: 1 });
    const [id] = apart(1) as [string];
    await create([id]);
    const about = { node: 'a0', attempt: 1, runner: 'r' };
    const step = (nth: number, rest: object) => fixture.about(id, 'TakeStep', { ...about, nth, id: `step:${nth}`, replyTo: 'inbox', records: [], begins: [], ...rest });
    const first = () => step(1, { begins: [{ key: 'm1', kind: 'model', name: 'm', reserve_nano_usd: '1000' }] });
    const answer = async (nth: number) => (await until(`answer ${nth}`, async () => (await fixture.replies('inbox'))[nth - 1]))?.type;
    const standing = () => fixture.catalog.budget(fixture.workspaceId, Date.now());
    await fixture.send(fixture.about(id, 'StartNode', about), first());
    expect(await answer(1)).toBe('accepted');
    expect(await standing()).toMatchObject({ spentNanoUsd: '0', reservedNanoUsd: '1000' });
    const used = { provider: 'openai', model: 'm', tokens: { input: 1, cache_read: 0, cache_write: 0, output: 1, reasoning: 0 }, cost_nano_usd: '300', price: 'list' };
    await fixture.send(step(2, { records: [{ key: 'm1', receipt: 'm1', used }] }));
    expect(await answer(2)).toBe('accepted');
    await projected([id]);
    const ended = { spentNanoUsd: '300', reservedNanoUsd: '0' };
    expect(await standing()).toMatchObject(ended);
    await fixture.send(first());
    expect(await answer(3)).toBe('accepted');
    expect(await standing()).toMatchObject(ended);
    await fixture.send(fixture.about(id, 'LoseAttempt', { ...about, because: 'silent' }), first());
    expect(await answer(4)).toBe('refused');
    expect(await standing()).toMatchObject(ended);
  }, 120_000);
});

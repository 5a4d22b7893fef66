import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { budgetOf } from './budgets.js';
import { evolve } from './evolve.js';
import { isTerminal } from './execution.js';
import { isRejection } from './refusal.js';
import { fromSnapshot, toSnapshot } from './snapshot.js';
import { edge, node, Scenario } from './testing/scenario.js';

const ids = ['n0', 'n1', 'n2', 'n3', 'n4', 'n5'];
const kinds = ['code', 'code', 'agent', 'agent', 'transform', 'delay', 'approval', 'question', 'condition', 'merge'] as const;
const configs: Record<string, object> = {
  transform: { expression: '1' },
  condition: { expression: 'true' },
  merge: { mode: 'any' },
  delay: { seconds: 1 },
  approval: { prompt: '?', expires_in_seconds: 3, on_expiry: 'approve' },
  question: { prompt: '?' },
  agent: { agent: 'a' },
};

const effects = [{}, {}, { effect: 'at_most_once' }, { effect: 'keyed' }, { on_unknown: 'ask' }] as const;

/** Edges only go to later nodes, and each node hangs on the start or on one before it. */
const workflows = fc
  .array(
    fc.record({
      kind: fc.constantFrom(...kinds),
      from: fc.array(fc.nat({ max: 5 }), { maxLength: 3 }),
      attempts: fc.integer({ min: 1, max: 2 }),
      effect: fc.constantFrom(...effects),
    }),
    {
      minLength: 1,
      maxLength: 6,
    },
  )
  .map((list) => ({
    nodes: list.map(({ kind, attempts, effect }, i) =>
      node(ids[i] as string, kind, configs[kind] as never, { retry: { max_attempts: attempts, initial_ms: 1, jitter: false }, timeout_ms: 60_000, ...effect }),
    ),
    edges: list.flatMap(({ from }, i) => {
      const before = [...new Set(from.filter((j) => j < i))];
      if (before.length === 0) return [edge('start_of_workflow', ids[i] as string)];
      return before.map((j) => edge(ids[j] as string, ids[i] as string, list[j]?.kind === 'condition' ? (i % 2 ? 'true' : 'false') : undefined));
    }),
  }));

const target = { node: fc.constantFrom(...ids), attempt: fc.integer({ min: 1, max: 3 }), runner: fc.constantFrom('r1', 'r2') };
const gate = fc.constantFrom(...ids.flatMap((id) => [`${id}.1`, `${id}.1`, `${id}.2`, `${id}.1.m1`, `${id}.1.m2`, `${id}.1.m1.t1`]));
const key = fc.constantFrom('m1', 'm2', 'm3', 'm1.t1');
const used = fc.record({
  provider: fc.constant('p'),
  model: fc.constant('m'),
  tokens: fc.constant(null),
  cost_nano_usd: fc.constantFrom('0', '400', '1000', null),
  price: fc.constant(null),
});
const records = fc.uniqueArray(
  fc.record({ key, receipt: fc.constant('r'), used: fc.option(used, { nil: undefined }) }).map(({ used, ...one }) => (used ? { ...one, used } : one)),
  { maxLength: 2, selector: (one) => one.key },
);
const intents = fc.array(fc.record({ key, kind: fc.constantFrom('model', 'tool'), name: fc.constant('n'), reserve_nano_usd: fc.constantFrom('1000', '1000', null) }), {
  maxLength: 2,
});
const asks = fc.uniqueArray(
  fc.record({
    key,
    kind: fc.constantFrom('approval', 'question', 'effect'),
    name: fc.constant('n'),
    rules: fc.constantFrom({ prompt: '?' }, { prompt: '?', expires_in_seconds: 3, on_expiry: 'approve' }),
  }),
  { minLength: 1, maxLength: 2, selector: (one) => one.key },
);
const failure = fc
  .record({ code: fc.constant('e'), message: fc.constant('m'), retryable: fc.boolean(), effect: fc.constantFrom('none', 'unknown', undefined) })
  .map(({ effect, ...error }) => ({ ...error, ...(effect ? { effect } : {}) }));
const begins = fc.constantFrom(undefined, ...ids.map((id) => ({ id: `start-${id}`, node: id, attempt: 1 })));
const startedAt = fc.constantFrom(undefined, undefined, 1_000);
const commands = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ type: fc.constant('StartNode'), ...target }) },
    { weight: 6, arbitrary: fc.record({ type: fc.constant('CompleteNode'), ...target, output: fc.constant(1), begins, startedAt }) },
    {
      weight: 2,
      arbitrary: fc.record({ type: fc.constant('FailNode'), ...target, error: failure, startedAt }),
    },
    { weight: 10, arbitrary: fc.record({ type: fc.constant('TakeStep'), ...target, nth: fc.constant(1), records, begins: intents }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('ParkNode'), ...target, nth: fc.constant(1), records, asks }) },
    fc.record({ type: fc.constant('StopNode'), ...target }),
    fc.record({ type: fc.constant('LoseAttempt'), ...target, because: fc.constant('silent') }),
    fc.record({ type: fc.constant('RemindNode'), node: target.node, attempt: target.attempt }),
    fc.record({
      type: fc.constant('Respond'),
      gate,
      decision: fc.constantFrom('approve', 'reject', 'done', 'repeat', 'fail', 'raise'),
      answer: fc.constantFrom(1, { budget_usd: 0.000002 }, { budget_usd: 5 }),
      by: fc.constantFrom('user:a', 'user:b'),
      roles: fc.constant([]),
    }),
    {
      weight: 3,
      arbitrary: fc.record({
        type: fc.constant('FireTimer'),
        timer: fc.record({ kind: fc.constantFrom('delay', 'retry', 'node_timeout'), node: target.node, attempt: target.attempt }),
      }),
    },
    fc.record({
      type: fc.constant('FireTimer'),
      timer: fc.oneof(fc.record({ kind: fc.constant('gate_expiry'), gate }), fc.record({ kind: fc.constantFrom('run_timeout', 'cancel_grace') })),
    }),
    fc.record({ type: fc.constant('CancelExecution'), by: fc.constant('user:a') }),
  ),
  { maxLength: 60 },
);

const legal: Record<string, readonly string[]> = {
  pending: ['queued'],
  queued: ['running'],
  running: ['suspended', 'awaiting_approval', 'completed', 'failed', 'cancelled', 'rejected'],
  suspended: ['running', 'failed', 'cancelled'],
  awaiting_approval: ['running', 'failed', 'cancelled'],
};

describe('any sequence of commands', () => {
  it('reaches only legal states, one end at most, and the same state from the log or a snapshot', async () => {
    await fc.assert(
      fc.asyncProperty(workflows, commands, async (workflow, sequence) => {
        const scenario = await Scenario.of(workflow).created({ run_timeout_seconds: 20, budget_nano_usd: '2500' });
        for (const command of sequence) {
          scenario.clock += 700;
          const before = scenario.execution && { status: scenario.execution.status, version: scenario.execution.version };
          const result = await scenario.when(command as never);
          if (before && isTerminal(before.status as never)) expect(scenario.execution?.version).toBe(before.version);
          if (!isRejection(result)) expect(result.every((event) => event.type !== 'ExecutionFaulted')).toBe(true);
          checkState(scenario);
        }
        checkHistory(scenario);
      }),
      { numRuns: 300 },
    );
  });
});

const checkState = ({ execution, workflow }: Scenario): void => {
  if (!execution) throw new Error('there is no execution');
  const states = [...execution.nodes.values()];
  const active = states.filter((one) => ['scheduled', 'running', 'waiting'].includes(one.status)).length;
  const settled = states.filter((one) => ['completed', 'failed', 'stopped', 'skipped'].includes(one.status)).length;
  expect(execution.active.size).toBe(active);
  expect(execution.settled).toBe(settled);
  expect(execution.gatesOpen).toBe(states.filter((one) => one.waitsFor?.kind === 'gate' || one.waitsFor?.kind === 'calls').length);
  const { spent, reserved } = execution.account;
  const budget = budgetOf(execution) ?? '0';
  expect(BigInt(spent) + BigInt(reserved) <= BigInt(budget)).toBe(true);
  expect(BigInt(reserved)).toBeGreaterThanOrEqual(0n);
  if (isTerminal(execution.status)) expect(active).toBe(0);
  if (execution.status === 'completed') expect(settled).toBe(workflow.nodes.size);
  // Nothing hangs: whoever is alive has something that can still happen to it.
  if (!isTerminal(execution.status)) expect(active).toBeGreaterThan(0);
};

const checkHistory = (scenario: Scenario): void => {
  let status = 'pending';
  let execution: typeof scenario.execution;
  for (const event of scenario.history) {
    execution = evolve(execution, event, scenario.workflow);
    if (execution.status !== status) expect(legal[status]).toContain(execution.status);
    status = execution.status;
  }
  expect(execution).toEqual(scenario.execution);
  if (!execution || isTerminal(execution.status)) return;
  expect(fromSnapshot(JSON.parse(JSON.stringify(toSnapshot(execution))), [...execution.outputs, ...execution.receipts])).toEqual(execution);
};

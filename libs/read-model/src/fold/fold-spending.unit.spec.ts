import { describe, expect, it } from '@jest/globals';
import type { ExecutionView } from '@runlog/contract';
import type { CreatedData, EventData, EventType, RecordedEvent } from '@runlog/execution';
import { foldView } from './fold-view.js';

type Step = { [Type in EventType]: readonly [type: Type, data: EventData[Type]] }[EventType];

const names = { nodes: new Map([['a', { type: 'agent', definition: { name: 'A' } }]]) };
const createdData = { workflow_id: 'w', key: 'w_1', input: null, metadata: {}, tags: [], actions_count: 2, run_number: 1 } as unknown as CreatedData;

const after = (...steps: Step[]): ExecutionView =>
  [['ExecutionCreated', createdData] as Step, ...steps].reduce<ExecutionView | undefined>(
    (view, [type, data], i) => foldView(view, { type, data, at: i, version: i + 1, id: `id${i + 1}`, executionId: 'e', workspaceId: 'ws' } as unknown as RecordedEvent, names),
    undefined,
  ) as ExecutionView;

const began = (key: string, attempt = 1): Step => ['EffectIntended', { node_id: 'a', attempt, key, call: { kind: 'model', name: 'gpt-4o' } }];
const used = (key: string, cost: string | null, [input, cache_read, cache_write, output, reasoning]: readonly [number, number, number, number, number] | [], attempt = 1): Step => [
  'TokensUsed',
  {
    node_id: 'a',
    attempt,
    key,
    provider: 'openai',
    model: 'gpt-4o',
    tokens: input === undefined ? null : ({ input, cache_read, cache_write, output, reasoning } as never),
    cost_nano_usd: cost,
    price: cost === null ? null : 'list',
  },
];
const recorded = (key: string, kind: 'model' | 'tool', attempt = 1): Step => ['EffectRecorded', { node_id: 'a', attempt, key, receipt: {}, call: { kind, name: kind } }];
const lost = (attempt = 1): Step => ['AttemptLost', { node_id: 'a', attempt, runner: 'r', because: 'silent' }];
const usage = (input_uncached: number, cache_read: number, cache_write: number, output_text: number, reasoning: number) => ({
  input_uncached,
  cache_read,
  cache_write,
  output_text,
  reasoning,
});

describe('what an execution used', () => {
  it('adds up exactly, per node and in all, above what floats hold', () => {
    const spent = { cost_nano_usd: '9007199254740998', cost_complete: true, token_usage: usage(11, 22, 33, 44, 55) };
    expect(after(began('m1'), used('m1', '9007199254740993', [10, 20, 30, 40, 50]), recorded('m1', 'model'), began('m2'), used('m2', '5', [1, 2, 3, 4, 5]))).toMatchObject({
      ...spent,
      nodes: { a: { spent } },
    });
  });

  it('counts calls that failed or were repeated', () => {
    expect(after(began('m1'), used('m1', '7', [1, 0, 0, 0, 0]), began('m1.2'), used('m1.2', '8', [1, 0, 0, 1, 0]))).toMatchObject({
      cost_nano_usd: '15',
      token_usage: usage(2, 0, 0, 1, 0),
    });
  });

  it('is incomplete, and never 0, with a call of unknown price or usage', () => {
    expect(after(used('m1', '7', [1, 0, 0, 1, 0]), used('m2', null, [5, 0, 0, 5, 0]))).toMatchObject({
      cost_nano_usd: '7',
      cost_complete: false,
      token_usage: usage(6, 0, 0, 6, 0),
    });
    expect(after(used('m1', null, []))).toMatchObject({ cost_nano_usd: '0', cost_complete: false, nodes: { a: { spent: { cost_complete: false } } } });
  });

  it.each<[string, Step]>([
    ['the runner was lost', lost()],
    ['it was stopped', ['NodeStopped', { node_id: 'a', attempt: 1, acknowledged: false, outcome: 'unknown' }]],
    ['it timed out', ['NodeFailed', { node_id: 'a', attempt: 1, error: { code: 'timed_out', message: '', retryable: true }, final: false }]],
  ])('is incomplete once a call was lost: %s', (_, end) => {
    const view = after(began('m1'), used('m1', '7', [1, 0, 0, 1, 0]), began('m2'), end);
    expect(view).toMatchObject({ cost_nano_usd: '7', cost_complete: false, nodes: { a: { spent: { cost_complete: false, cost_nano_usd: '7' } } } });
    expect(view.nodes?.a?.open_calls).toBeUndefined();
  });

  it('stays complete when no call was open at the end of an attempt', () => {
    expect(after(began('m1'), recorded('m1', 'model'), lost())).toMatchObject({ cost_complete: true });
    expect(after(began('m1'), used('m1', '1', [1, 0, 0, 1, 0]), lost(), began('m2', 2), used('m2', '1', [1, 0, 0, 1, 0], 2))).toMatchObject({
      cost_complete: true,
      cost_nano_usd: '2',
    });
  });

  it('is incomplete when the execution ends, or people are asked, while a call is open', () => {
    expect(after(began('m1'), ['ExecutionFailed', { error: 'x', error_code: 'x', error_node_id: null }])).toMatchObject({ cost_complete: false });
    const asked = { node_id: 'a', attempt: 1, gate_id: 'a.1.m2', key: 'm2', needed_nano_usd: '5', left_nano_usd: '1', scope: 'execution', prompt: '' } as const;
    expect(after(began('m1'), ['BudgetExhausted', asked])).toMatchObject({
      cost_complete: false,
      gates: [{ budget: { scope: 'execution', needed_nano_usd: '5', left_nano_usd: '1' } }],
    });
  });

  it('shows what a budget was raised to', () => {
    const asked = { node_id: 'a', attempt: 1, gate_id: 'a.1.m2', key: 'm2', needed_nano_usd: '5', left_nano_usd: '1', prompt: '' } as const;
    const raised: Step = ['ResponseReceived', { node_id: 'a', gate_id: 'a.1.m2', decision: 'approve', answer: { budget_usd: 0.25 }, comment: null, by: 'user:1', accepted: true }];
    expect(after(['BudgetExhausted', { ...asked, scope: 'execution' }], raised)).toMatchObject({ raised_budget_nano_usd: '250000000' });
    expect(after(['BudgetExhausted', { ...asked, scope: 'node' }], raised).raised_budget_nano_usd).toBeUndefined();
  });

  it('counts what agents did with tools, not that the same was begun twice or taken over', () => {
    const begun: Step = ['EffectIntended', { node_id: 'a', attempt: 1, key: 'm1.t1', call: { kind: 'tool', name: 'pay' } }];
    const inherited: Step = ['EffectRecorded', { node_id: 'a', attempt: 0, key: 'm1.t2', call: { kind: 'tool', name: 'pay' }, from: { execution_id: 'x', version: 3 } }];
    expect(after(begun, lost(), begun, recorded('m1.t1', 'tool', 2), recorded('m1', 'model'), inherited).n_agent_actions).toBe(1);
  });

  it('is nothing for nodes that were reused', () => {
    const view = after(['NodeReused', { source_execution_id: 'x', source_version: 9, nodes: ['a'], branches: {} }]);
    expect(view).toMatchObject({ cost_nano_usd: '0', cost_complete: true });
    expect(view.nodes?.a?.spent).toBeUndefined();
  });
});

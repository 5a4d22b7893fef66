import { describe, expect, it } from '@jest/globals';
import type { ExecutionView } from '@runlog/contract';
import type { CreatedData, EventData, EventType, RecordedEvent } from '@runlog/execution';
import { foldView } from '@runlog/read-model';
import { Accounts } from './accounts.js';

type Step = { [Type in EventType]: readonly [type: Type, data: EventData[Type]] }[EventType];

const at = Date.parse('2026-03-10T23:00:00Z');
const names = { nodes: new Map([['a', { type: 'agent', definition: { name: 'A' } }]]) };
const created = { workflow_id: 'w', key: 'w_1', input: null, metadata: {}, tags: [], actions_count: 1, run_number: 1, root_execution_id: null };
const begins: Step = ['ExecutionCreated', created as unknown as CreatedData];

const after = (...steps: Step[]) => {
  const accounts = new Accounts(3);
  let view: ExecutionView | undefined;
  for (const [i, [type, data]] of steps.entries()) {
    const event = { type, data, at, version: i + 1, id: `id${i + 1}`, executionId: 'e', workspaceId: 'ws' } as unknown as RecordedEvent;
    const spent = accounts.spentBy(view, event);
    view = foldView(view, event, names);
    accounts.after(spent, view, event);
  }
  return accounts;
};
const about = (key: string, attempt = 1) => ({ node_id: 'a', attempt, key });
const began = (key: string, reserved: string | null): Step[] => [
  ...(reserved === null ? [] : ([['BudgetReserved', { ...about(key), nano_usd: reserved }]] as Step[])),
  ['EffectIntended', { ...about(key), call: { kind: 'model', name: 'm' } }],
];
const used = (key: string, cost: string | null): Step => ['TokensUsed', { ...about(key), provider: 'openai', model: 'm', tokens: null, cost_nano_usd: cost, price: null }];
const lost: Step = ['AttemptLost', { node_id: 'a', attempt: 1, runner: 'r', because: 'silent' }];
const spent = (accounts: Accounts) => accounts.rows.map(({ account, day, spentNanoUsd }) => [account, day, spentNanoUsd]);

describe('what accounts spend', () => {
  it('is what calls cost, on the day of the event', () => {
    const accounts = after(begins, ...began('m1', '1000'), used('m1', '700'), ...began('m2', null), used('m2', '50'));
    expect(spent(accounts)).toEqual([['workspace:ws', '2026-03-10', 750n]]);
  });

  it('is what was reserved for calls that cost nobody knows what, or that were lost', () => {
    expect(spent(after(begins, ...began('m1', '1000'), used('m1', null)))).toEqual([['workspace:ws', '2026-03-10', 1000n]]);
    expect(spent(after(begins, ...began('m1', '1000'), lost))).toEqual([['workspace:ws', '2026-03-10', 1000n]]);
    expect(spent(after(begins, ...began('m1', null), lost))).toEqual([]);
    expect(spent(after(begins, ...began('m1', '1000'), ['EffectRecorded', { ...about('m1'), call: { kind: 'model', name: 'm' } }], lost))).toEqual([]);
  });

  it('is the spending of the tree too, where that has a budget', () => {
    const inTree: Step = ['ExecutionCreated', { ...created, tree_budget_nano_usd: '5', root_execution_id: 'root' } as unknown as CreatedData];
    expect(spent(after(inTree, ...began('m1', '1000'), used('m1', '7'))).map(([account]) => account)).toEqual(['workspace:ws', 'tree:root']);
  });
});

describe('what is settled', () => {
  it('is the call by its use or its receipt, all calls of an attempt by its end, all of an execution by its end', () => {
    expect(after(begins, ...began('m1', '1'), used('m1', '1')).settled).toEqual([{ executionId: 'e', node: 'a', attempt: 1, key: 'm1' }]);
    expect(after(begins, ...began('m1', '1'), lost).settled).toEqual([{ executionId: 'e', node: 'a', attempt: 1, key: null }]);
    expect(after(begins, ...began('m1', '1'), ['ExecutionFailed', { error: '', error_code: 'x', error_node_id: null }]).settled).toEqual([
      { executionId: 'e', node: null, attempt: null, key: null },
    ]);
  });

  it('is nothing where no agent is', () => {
    expect(after(begins, ['NodeCompleted', { node_id: 'b', attempt: 1, output: 1, inline: true }], ['ExecutionCompleted', { output: 1 }]).settled).toEqual([]);
  });
});

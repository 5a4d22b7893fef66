import { describe, expect, it } from '@jest/globals';
import type { CreatedData, EventData, EventType } from '@runlog/execution';
import { createdData, eventOf, gateRules } from './testing/events.js';
import { foldTimers } from './timers.js';
import { type Observer, Watched } from './watched.js';

const nobody: Observer = { armed: () => undefined, opened: () => undefined, closed: () => undefined, changed: () => undefined };
type Step = { [Type in EventType]: readonly [at: number, type: Type, data: EventData[Type]] }[EventType];

/** The timers that run after the events: kind, node or nth, and due time. */
const timersAfter = (steps: readonly Step[], timeouts: Record<string, number> = {}) => {
  const watched = new Watched('e1', 'w1', 'v1', nobody);
  watched.timeouts = new Map(Object.entries(timeouts));
  for (const [index, [at, type, data]] of steps.entries()) foldTimers(watched, eventOf('e1', index + 1, at, type, data as never));
  return [...watched.timers.values()].map(({ timer, dueAt }) => [timer, dueAt]);
};

const created = (given: Partial<CreatedData> = {}): Step => [0, 'ExecutionCreated', createdData(given)];
const started: Step = [1000, 'ExecutionStarted', {}];
const n1 = { node_id: 'n1', attempt: 1 };

describe('the run time-out', () => {
  const limited = created({ run_timeout_seconds: 60 });
  const suspended = (at: number): Step => [at, 'ExecutionSuspended', { status: 'suspended', reason: 'question' }];
  it('counts from the start', () => expect(timersAfter([limited, started])).toEqual([[{ kind: 'run_timeout' }, 61_000]]));
  it('stands still while the execution is suspended', () => expect(timersAfter([limited, started, suspended(21_000)])).toEqual([]));
  it('goes on with what is left', () =>
    expect(timersAfter([limited, started, suspended(21_000), [500_000, 'ExecutionResumed', {}]])).toEqual([[{ kind: 'run_timeout' }, 540_000]]));
  it('runs on through a suspension when asked to', () =>
    expect(timersAfter([created({ run_timeout_seconds: 60, timeout_includes_suspended: true }), started, suspended(21_000), [30_000, 'ExecutionResumed', {}]])).toEqual([
      [{ kind: 'run_timeout' }, 61_000],
    ]));
  it('is due in whole milliseconds, and never early', () =>
    expect(timersAfter([created({ run_timeout_seconds: 60.0004 }), [1000.4, 'ExecutionStarted', {}]])).toEqual([[{ kind: 'run_timeout' }, 61_002]]));
  it('is not there without a limit', () => expect(timersAfter([created(), started])).toEqual([]));
});

describe('a node', () => {
  const failedOnce: Step = [2000, 'NodeFailed', { ...n1, error: { code: 'x', message: '', retryable: true }, final: false }];
  const retryAt: Step = [2000, 'NodeRetryScheduled', { node_id: 'n1', attempt: 2, retry_at: 2500 }];
  it('in a delay has a timer until it is over', () => {
    const waiting: Step = [1000, 'NodeWaiting', { ...n1, until: 9000 }];
    expect(timersAfter([waiting])).toEqual([[{ kind: 'delay', node: 'n1', attempt: 1 }, 9000]]);
    expect(timersAfter([waiting, [9000, 'NodeCompleted', { ...n1, output: null }]])).toEqual([]);
    expect(timersAfter([waiting, [5000, 'NodeStopped', { ...n1, acknowledged: true, outcome: 'stopped' }]])).toEqual([]);
  });
  it('is tried again at the time its failure says', () => {
    expect(timersAfter([failedOnce, retryAt])).toEqual([[{ kind: 'retry', node: 'n1', attempt: 2 }, 2500]]);
    expect(timersAfter([failedOnce, retryAt, [2500, 'NodeScheduled', { node_id: 'n1', attempt: 2, kind: 'http' }]])).toEqual([]);
  });
  it('with a long time-out has a timer while it runs', () => {
    const running: Step = [1000, 'NodeStarted', { ...n1, runner: 'r1' }];
    expect(timersAfter([running], { n1: 60_000 })).toEqual([[{ kind: 'node_timeout', node: 'n1', attempt: 1 }, 61_000]]);
    expect(timersAfter([running], { n2: 60_000 })).toEqual([]);
    expect(timersAfter([running, [4000, 'AttemptLost', { ...n1, runner: 'r1', because: '' }]], { n1: 60_000 })).toEqual([]);
  });
});

describe('a gate', () => {
  const gate = { node_id: 'n1', gate_id: 'n1.1' };
  const asked: Step = [0, 'ApprovalRequested', { ...n1, gate_id: 'n1.1', ...gateRules({ expires_at: 9000, reminders_at: [3000, 6000] }) }];
  const expiry = [{ kind: 'gate_expiry', gate: 'n1.1' }, 9000];
  const answered = (accepted: boolean): Step => [100, 'ResponseReceived', { ...gate, decision: 'approve', answer: null, comment: null, by: 'user:ada', accepted }];
  it('expires, and reminds one after the other', () => {
    expect(timersAfter([asked])).toEqual([expiry, [{ kind: 'gate_reminder', gate: 'n1.1', nth: 1 }, 3000]]);
    expect(timersAfter([asked, [3000, 'GateReminded', { ...gate, nth: 1 }]])).toEqual([expiry, [{ kind: 'gate_reminder', gate: 'n1.1', nth: 2 }, 6000]]);
    expect(timersAfter([asked, [6000, 'GateReminded', { ...gate, nth: 2 }]])).toEqual([expiry]);
  });
  it('goes quiet with the answer that settles it, not before', () => {
    expect(timersAfter([asked, answered(false)])).toHaveLength(2);
    expect(timersAfter([asked, answered(true)])).toEqual([]);
    expect(timersAfter([asked, [9000, 'GateExpired', { ...gate, outcome: 'reject', answer: null }]])).toEqual([]);
  });
});

describe("gates of an agent's calls", () => {
  const asked = (key: string, expiresAt: number): Step => [
    100,
    'ApprovalRequested',
    { ...n1, gate_id: `n1.1.${key}`, key, call: { kind: 'tool', name: 'pay' }, ...gateRules({ expires_at: expiresAt, reminders_at: [3000, 6000] }) },
  ];
  const answered = (key: string): Step => [
    200,
    'ResponseReceived',
    { node_id: 'n1', gate_id: `n1.1.${key}`, decision: 'approve', answer: null, comment: null, by: 'user:ada', accepted: true },
  ];
  const expiry = (key: string, at: number) => [{ kind: 'gate_expiry', gate: `n1.1.${key}` }, at];
  const reminder = (key: string, nth: number, at: number) => [{ kind: 'gate_reminder', gate: `n1.1.${key}`, nth }, at];

  it('have timers of their own, side by side', () => {
    expect(timersAfter([asked('m1.t1', 9000), asked('m1.t2', 8000)])).toEqual([
      expiry('m1.t1', 9000),
      reminder('m1.t1', 1, 3000),
      expiry('m1.t2', 8000),
      reminder('m1.t2', 1, 3000),
    ]);
    const reminded: Step = [3000, 'GateReminded', { node_id: 'n1', gate_id: 'n1.1.m1.t2', nth: 1 }];
    expect(timersAfter([asked('m1.t1', 9000), asked('m1.t2', 8000), answered('m1.t1'), reminded])).toEqual([expiry('m1.t2', 8000), reminder('m1.t2', 2, 6000)]);
  });

  it('stop the clock of their attempt, and go with their node', () => {
    const running: Step = [0, 'NodeStarted', { ...n1, runner: 'r1' }];
    expect(timersAfter([running, asked('m1.t1', 9000)], { n1: 60_000 })).toEqual([expiry('m1.t1', 9000), reminder('m1.t1', 1, 3000)]);
    const exhausted = { needed_nano_usd: '2', left_nano_usd: '1', scope: 'execution', prompt: '' } as const;
    expect(timersAfter([running, [100, 'BudgetExhausted', { ...n1, key: 'm1', gate_id: 'n1.1.m1', ...exhausted }]], { n1: 60_000 })).toEqual([]);
    expect(timersAfter([asked('m1.t1', 9000), [300, 'NodeStopped', { ...n1, acknowledged: true, outcome: 'stopped' }]])).toEqual([]);
  });
});

describe('a cancel', () => {
  it('leaves only the grace period', () => {
    const steps: Step[] = [
      created({ run_timeout_seconds: 60 }),
      started,
      [1000, 'NodeWaiting', { ...n1, until: 9000 }],
      [2000, 'CancelRequested', { by: 'user:ada', reason: null, grace_ms: 10_000, running: ['n2'] }],
    ];
    expect(timersAfter(steps)).toEqual([[{ kind: 'cancel_grace' }, 12_000]]);
  });
});

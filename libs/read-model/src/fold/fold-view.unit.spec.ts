import { describe, expect, it } from '@jest/globals';
import type { ExecutionView } from '@runlog/contract';
import type { CreatedData, EventData, EventType, RecordedEvent } from '@runlog/execution';
import { foldView, VersionGap } from './fold-view.js';

const names = { nodes: new Map(['a', 'b', 'c', '__proto__'].map((id) => [id, { type: 'code', definition: { name: id.toUpperCase() } }])) };
const createdData = { workflow_id: 'w', key: 'w_1', input: { x: 1 }, metadata: {}, tags: [], actions_count: 4, run_number: 1 } as unknown as CreatedData;

type Step = { [Type in EventType]: readonly [at: number, type: Type, data: EventData[Type]] }[EventType];
const recorded = (steps: readonly Step[]): RecordedEvent[] =>
  steps.map(
    ([at, type, data], i) =>
      ({
        type,
        data,
        at,
        version: i + 1,
        id: `id${i + 1}`,
        previous: i === 0 ? '' : `id${i}`,
        executionId: 'e',
        workspaceId: 'ws',
        schemaVersion: 1,
        commandId: 'c',
        commandOffset: i,
        more: false,
      }) as RecordedEvent,
  );

const given = (...steps: Step[]) => {
  const view = recorded(steps).reduce<ExecutionView | undefined>((folded, event) => foldView(folded, event, names), undefined) as ExecutionView;
  const idle = view.actions_count - view.completed_actions_count - view.failed_actions_count - view.running_actions_count - view.stopped_actions_count;
  return {
    then: (expected: object) => {
      expect(view).toMatchObject(expected);
      expect(idle).toBeGreaterThanOrEqual(0);
      const ofStatus = (...statuses: string[]) => Object.values(view.nodes ?? {}).filter((node) => statuses.includes(node.status)).length;
      expect([view.completed_actions_count, view.failed_actions_count, view.running_actions_count, view.stopped_actions_count]).toEqual([
        ofStatus('completed'),
        ofStatus('failed'),
        ofStatus('running', 'waiting'),
        ofStatus('stopped'),
      ]);
    },
  };
};

const started: Step[] = [
  [1_000, 'ExecutionCreated', createdData],
  [1_010, 'ExecutionQueued', { queue_name: null }],
  [1_100, 'ExecutionStarted', {}],
];
const rules = {
  prompt: 'Pay?',
  schema: null,
  approvers: { users: [], roles: [], needed: 2, exclude_starter: false },
  expires_at: null,
  on_expiry: 'fail',
  on_reject: 'reject',
  reminders_at: [],
} as const;

describe('foldView', () => {
  it('begins pending, with nothing counted', () => {
    given(started[0] as Step).then({ status: 'pending', version: 1, tip: 'id1', created_at: 1_000, started_at: null, actions_count: 4, n_steps: 0, nodes: {} });
  });

  it('counts a node by its status, and scheduled ones as idle', () => {
    given(...started, [1_200, 'NodeScheduled', { node_id: 'a', attempt: 1, kind: 'code' }]).then({
      running_actions_count: 0,
      nodes: { a: { status: 'scheduled', name: 'A', scheduled_at: 1_200 } },
    });
    given(...started, [1_200, 'NodeScheduled', { node_id: 'a', attempt: 1, kind: 'code' }], [1_300, 'NodeStarted', { node_id: 'a', attempt: 1, runner: 'r' }]).then({
      running_actions_count: 1,
      assigned_to_worker: 'r',
      nodes: { a: { status: 'running', started_at: 1_300, attempts: [{ attempt: 1, runner: 'r', status: 'running' }] } },
    });
  });

  it('gives an inline node one instant and one step', () => {
    given(...started, [1_200, 'NodeCompleted', { node_id: 'a', attempt: 1, output: 7, branch: 'true', inline: true }]).then({
      n_steps: 1,
      completed_actions_count: 1,
      nodes: { a: { status: 'completed', output: 7, branch: 'true', scheduled_at: 1_200, started_at: 1_200, completed_at: 1_200 } },
    });
  });

  it('keeps every attempt of a node that is retried, and counts each finished one', () => {
    given(
      ...started,
      [1_200, 'NodeScheduled', { node_id: 'a', attempt: 1, kind: 'code' }],
      [1_200, 'NodeStarted', { node_id: 'a', attempt: 1, runner: 'r' }],
      [1_300, 'NodeFailed', { node_id: 'a', attempt: 1, error: { code: 'x', message: 'no', retryable: true }, final: false }],
      [1_300, 'NodeRetryScheduled', { node_id: 'a', attempt: 2, retry_at: 1_400 }],
      [1_400, 'NodeScheduled', { node_id: 'a', attempt: 2, kind: 'code' }],
      [1_450, 'NodeStarted', { node_id: 'a', attempt: 2, runner: 's' }],
      [1_500, 'NodeCompleted', { node_id: 'a', attempt: 2, output: null }],
    ).then({
      n_steps: 2,
      completed_actions_count: 1,
      nodes: {
        a: {
          status: 'completed',
          error: null,
          scheduled_at: 1_200,
          attempts: [
            { attempt: 1, status: 'failed', ended_at: 1_300, error: { code: 'x', message: 'no' } },
            { attempt: 2, status: 'completed', scheduled_at: 1_400, ended_at: 1_500, error: null },
          ],
        },
      },
    });
  });

  it('does not count a lost attempt as a step, also when it fails the node', () => {
    given(
      ...started,
      [1_200, 'NodeStarted', { node_id: 'a', attempt: 1, runner: 'r' }],
      [1_300, 'AttemptLost', { node_id: 'a', attempt: 1, runner: 'r', because: 'silent' }],
      [1_300, 'NodeFailed', { node_id: 'a', attempt: 1, error: { code: 'effect_unknown', message: 'lost', retryable: false }, final: true }],
    ).then({ n_steps: 0, failed_actions_count: 1, nodes: { a: { status: 'failed', attempts: [{ status: 'lost' }] } } });
  });

  it('books the time at a gate as suspended, and adds up', () => {
    given(
      ...started,
      [1_200, 'ApprovalRequested', { node_id: 'a', attempt: 1, gate_id: 'a.1', ...rules }],
      [1_200, 'ExecutionSuspended', { status: 'awaiting_approval', reason: 'approval' }],
      [2_000, 'ResponseReceived', { node_id: 'a', gate_id: 'a.1', decision: 'approve', answer: null, comment: null, by: 'user:1', accepted: false }],
      [3_000, 'ResponseReceived', { node_id: 'a', gate_id: 'a.1', decision: 'approve', answer: null, comment: 'ok', by: 'user:2', accepted: true }],
      [3_000, 'ExecutionResumed', {}],
      [3_000, 'NodeCompleted', { node_id: 'a', attempt: 1, output: { decision: 'approve' } }],
      [3_300, 'ExecutionCompleted', { output: { paid: true } }],
    ).then({
      status: 'completed',
      status_reason: null,
      output: { paid: true },
      created_at: 1_000,
      started_at: 1_100,
      active_ms: 400,
      suspended_ms: 1_800,
      completed_at: 3_300,
      gates: [{ id: 'a.1', kind: 'approval', approvals_given: 2, approvals_needed: 2, decided: { decision: 'approve', by: 'user:2', at: 3_000, comment: 'ok' } }],
    });
  });

  it('stays consistent when it is cancelled in the middle', () => {
    given(
      ...started,
      [1_200, 'NodeStarted', { node_id: 'a', attempt: 1, runner: 'r' }],
      [1_200, 'NodeScheduled', { node_id: 'b', attempt: 1, kind: 'code' }],
      [1_300, 'CancelRequested', { by: 'user:1', reason: 'enough', grace_ms: 10, running: ['a'] }],
      [1_300, 'NodeStopped', { node_id: 'b', attempt: 1, acknowledged: true, outcome: 'stopped' }],
      [1_400, 'NodeStopped', { node_id: 'a', attempt: 1, acknowledged: true, outcome: 'finished', signalled_at: 1_350 }],
      [1_400, 'ExecutionCancelled', { by: 'user:1', reason: 'enough', unacknowledged: [] }],
    ).then({
      nodes: { a: { stop: { outcome: 'finished', acknowledged: true, signalled_at: 1_350 } }, b: { stop: { outcome: 'stopped', signalled_at: null } } },
      cancellation: { by: 'user:1', reason: 'enough' },
      status: 'cancelled',
      status_reason: 'enough',
      cancelled_by: 'user:1',
      cancel_requested_at: 1_300,
      cancelled_at: 1_400,
      completed_at: 1_400,
      stopped_actions_count: 2,
      running_actions_count: 0,
      active_ms: 300,
    });
  });

  it('knows of an effect that it began and had, and counts no step for a receipt that it returned', () => {
    const key = 'e:a';
    const from = { execution_id: 'earlier', version: 7 };
    given(
      ...started,
      [1_150, 'EffectRecorded', { node_id: 'b', attempt: 0, key: 'earlier:b', receipt: 5, from }],
      [1_200, 'NodeScheduled', { node_id: 'a', attempt: 1, kind: 'http' }],
      [1_300, 'NodeStarted', { node_id: 'a', attempt: 1, runner: 'r' }],
      [1_300, 'EffectIntended', { node_id: 'a', attempt: 1, key }],
    ).then({ nodes: { a: { effect: { key, standing: 'intended' } }, b: { status: 'idle', output: null, effect: { standing: 'recorded', receipt: 5, from } } } });
    given(
      ...started,
      [1_150, 'EffectRecorded', { node_id: 'b', attempt: 0, key: 'earlier:b', receipt: 5, from }],
      [1_200, 'NodeCompleted', { node_id: 'b', attempt: 0, output: 5, inline: true, returned_from: from }],
    ).then({
      n_steps: 0,
      completed_actions_count: 1,
      nodes: { b: { status: 'completed', output: 5, attempts: [], reused_from: from, effect: { key: 'earlier:b', standing: 'recorded', from } } },
    });
  });

  it('opens a gate where nobody knows what became of an effect, and closes it by an answer or a late receipt', () => {
    const unknown: Step[] = [
      ...started,
      [1_200, 'NodeStarted', { node_id: 'a', attempt: 1, runner: 'r' }],
      [1_200, 'EffectIntended', { node_id: 'a', attempt: 1, key: 'e:a' }],
      [2_000, 'AttemptLost', { node_id: 'a', attempt: 1, runner: 'r', because: 'silent' }],
      [2_000, 'EffectUnknown', { node_id: 'a', attempt: 1, gate_id: 'a.1', key: 'e:a', prompt: 'What became of it?' }],
      [2_000, 'ExecutionSuspended', { status: 'suspended', reason: 'effect_unknown' }],
    ];
    given(...unknown).then({
      status: 'suspended',
      status_reason: 'effect_unknown',
      running_actions_count: 1,
      gates: [{ id: 'a.1', kind: 'effect', prompt: 'What became of it?', expires_at: null, approvals_needed: 1, decided: null }],
      nodes: { a: { status: 'waiting', effect: { standing: 'intended' }, attempts: [{ status: 'lost' }] } },
    });
    const answer = { node_id: 'a', gate_id: 'a.1', answer: null, comment: null, by: 'user:1', accepted: true } as const;
    given(...unknown, [3_000, 'ResponseReceived', { ...answer, decision: 'repeat' }], [3_000, 'ExecutionResumed', {}]).then({
      running_actions_count: 0,
      gates: [{ decided: { decision: 'repeat' } }],
      nodes: { a: { status: 'idle' } },
    });
    given(
      ...unknown,
      [3_000, 'EffectRecorded', { node_id: 'a', attempt: 1, key: 'e:a' }],
      [3_000, 'ExecutionResumed', {}],
      [3_000, 'NodeCompleted', { node_id: 'a', attempt: 1, output: 1 }],
    ).then({
      gates: [{ decided: { decision: 'done', by: 'system:late_receipt' } }],
      nodes: { a: { status: 'completed', output: 1, effect: { standing: 'recorded' } } },
    });
    given(
      ...unknown,
      [3_000, 'ResponseReceived', { ...answer, decision: 'fail' }],
      [3_000, 'NodeFailed', { node_id: 'a', attempt: 1, error: { code: 'effect_unknown', message: 'no', retryable: false }, final: true }],
    ).then({ failed_actions_count: 1, nodes: { a: { effect: { standing: 'failed' } } } });
  });

  it('ends the attempt of an agent that waited for people with the one that goes on', () => {
    const of = (attempt: number) => ({ node_id: 'a', attempt });
    const call = { kind: 'tool', name: 'pay' } as const;
    const parked: Step[] = [
      ...started,
      [1_100, 'NodeScheduled', { ...of(1), kind: 'agent' }],
      [1_110, 'NodeStarted', { ...of(1), runner: 'r1' }],
      [1_200, 'ApprovalRequested', { ...of(1), gate_id: 'a.1.m1.t1', key: 'm1.t1', call, ...rules }],
    ];
    given(...parked).then({ nodes: { a: { status: 'waiting', attempts: [{ status: 'waiting', ended_at: null }] } } });
    given(
      ...parked,
      [1_300, 'ResponseReceived', { node_id: 'a', gate_id: 'a.1.m1.t1', decision: 'approve', answer: null, comment: null, by: 'user:ada', accepted: true }],
      [1_300, 'NodeScheduled', { ...of(2), kind: 'agent' }],
      [1_310, 'NodeStarted', { ...of(2), runner: 'r2' }],
      [1_400, 'EffectUnknown', { ...of(2), gate_id: 'a.2.m1.t2', key: 'm1.t2', call, prompt: '?' }],
    ).then({
      n_steps: 0,
      nodes: {
        a: {
          status: 'waiting',
          attempts: [
            { status: 'stopped', ended_at: 1_300 },
            { status: 'waiting', ended_at: null },
          ],
        },
      },
    });
  });

  it('keeps the receipt of an effect that was had behind the fence of a cancel apart from the output', () => {
    given(
      ...started,
      [1_200, 'NodeStarted', { node_id: 'a', attempt: 1, runner: 'r' }],
      [1_200, 'EffectIntended', { node_id: 'a', attempt: 1, key: 'e:a' }],
      [1_300, 'CancelRequested', { by: 'user:1', reason: null, grace_ms: 10, running: ['a'] }],
      [1_400, 'EffectRecorded', { node_id: 'a', attempt: 1, key: 'e:a', receipt: { paid: true } }],
      [1_400, 'NodeStopped', { node_id: 'a', attempt: 1, acknowledged: true, outcome: 'finished' }],
    ).then({ nodes: { a: { status: 'stopped', output: null, effect: { standing: 'recorded', receipt: { paid: true } } } } });
  });

  it('says why it failed', () => {
    given(
      ...started,
      [1_200, 'NodeFailed', { node_id: 'a', attempt: 1, error: { code: 'x', message: 'no', retryable: false }, final: true, inline: true }],
      [1_200, 'NodeSkipped', { node_id: 'b' }],
      [1_200, 'ExecutionFailed', { error: 'a failed', error_code: 'x', error_node_id: 'a' }],
    ).then({
      status: 'failed',
      error: 'a failed',
      error_code: 'x',
      error_node_id: 'a',
      failed_actions_count: 1,
      n_steps: 1,
      nodes: { a: { failed_at: 1_200, started_at: 1_200 }, b: { status: 'skipped' } },
    });
  });

  it('takes a clock that goes backwards as standing still', () => {
    given(...started, [900, 'ExecutionCompleted', { output: null }]).then({ started_at: 1_100, completed_at: 1_100, active_ms: 0 });
  });

  it('keeps nodes with names of object members apart', () => {
    const events = recorded([...started, [1_200, 'NodeSkipped', { node_id: '__proto__' }], [1_200, 'NodeSkipped', { node_id: 'constructor' }]]);
    const view = events.reduce<ExecutionView | undefined>((folded, event) => foldView(folded, event, names), undefined);
    expect(Object.keys(view?.nodes ?? {})).toEqual(['__proto__', 'constructor']);
  });

  it('ignores what it has seen, and alarms about a gap', () => {
    const [first, second, third] = recorded(started) as [RecordedEvent, RecordedEvent, RecordedEvent];
    const view = foldView(foldView(undefined, first, names), second, names);
    expect(foldView(view, first, names)).toMatchObject({ version: 2, status: 'queued' });
    expect(() => foldView(foldView(undefined, first, names), third, names)).toThrow(VersionGap);
    expect(() => foldView(undefined, second, names)).toThrow(VersionGap);
  });

  it('passes over an event of a type it does not know', () => {
    const [first] = recorded(started) as [RecordedEvent];
    const view = foldView(foldView(undefined, first, names), { ...first, type: 'ExecutionDreamt', version: 2, id: 'id2' } as unknown as RecordedEvent, names);
    expect(view).toMatchObject({ version: 2, tip: 'id2', status: 'pending' });
  });
});

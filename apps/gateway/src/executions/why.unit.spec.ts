import { describe, expect, it } from '@jest/globals';
import type { ExecutionView, GateView, NodeView } from '@runlog/contract';
import { whyOf } from './why.js';

const now = 100_000;
const at = (ms: number): string => new Date(ms).toISOString();

const node = (node_id: string, given: Partial<NodeView>): NodeView =>
  ({ node_id, type: 'code', status: 'idle', scheduled_at: null, started_at: null, due_at: null, attempts: [], ...given }) as NodeView;

const view = (given: { nodes?: NodeView[]; gates?: Partial<GateView>[]; [member: string]: unknown }): ExecutionView =>
  ({
    id: 'e1',
    status: 'running',
    created_by: 'user:ann',
    cancel_requested_at: null,
    fault: null,
    ...given,
    gates: given.gates ?? [],
    nodes: Object.fromEntries((given.nodes ?? []).map((one) => [one.node_id, one])),
  }) as unknown as ExecutionView;

const gate = {
  id: 'ask.1',
  node_id: 'ask',
  kind: 'approval',
  prompt: 'Pay?',
  requested_at: 5_000,
  expires_at: 9_000,
  approvers: null,
  approvals_given: 1,
  approvals_needed: 2,
  decided: null,
} as const;
const attempt = { attempt: 1, scheduled_at: 90_000, ended_at: null, error: null } as never;
const runner = { kinds: ['http', 'code'], slots: 16, free: 0, backlog: 3 };
const causes = (given: Parameters<typeof view>[0], runners: readonly (typeof runner)[] = []) => whyOf(view(given), runners, now).causes;

describe('why', () => {
  it('names a gate, since when it is open, until when, and who can answer it', () => {
    expect(causes({ status: 'awaiting_approval', gates: [gate], nodes: [node('ask', { status: 'waiting' })] })).toEqual([
      {
        kind: 'gate',
        since: at(5_000),
        until: at(9_000),
        node_id: 'ask',
        gate_id: 'ask.1',
        detail: "Approval 'ask.1' is open (1 of 2): Pay?",
        unblock: [
          { action: "POST /api/v1/executions/e1/respond with gate_id 'ask.1'", by: 'editor and up' },
          { action: `it expires at ${at(9_000)}`, by: 'scheduler' },
        ],
      },
    ]);
    const approvers = { users: ['bob'], roles: ['admin'], needed: 2, exclude_starter: true };
    expect(causes({ gates: [{ ...gate, approvers }] })[0]?.unblock[0]?.by).toBe('user bob, role admin, but not user:ann, who started it');
  });

  it('names a budget that is used up, and who can raise it', () => {
    const used = { ...gate, id: 'think.1.m2', node_id: 'think', kind: 'budget', prompt: 'It leaves $0.01.', expires_at: null, approvals_needed: 1 } as const;
    const shared = { needed_nano_usd: '5', left_nano_usd: '1' };
    const [own] = causes({ workspace_id: 'w1', gates: [{ ...used, budget: { ...shared, scope: 'execution' } }] });
    expect(own).toMatchObject({ kind: 'budget', node_id: 'think', detail: "Budget 'think.1.m2' is exhausted: It leaves $0.01.", unblock: [{ by: 'editor and up' }] });
    expect(own?.unblock[0]?.action).toContain("decision 'raise' (with the new total as answer");
    expect(causes({ workspace_id: 'w1', gates: [{ ...used, budget: { ...shared, scope: 'workspace' } }] })[0]?.unblock).toEqual([
      { action: 'PUT /api/v1/workspaces/w1/budget with a higher budget_usd, then respond', by: 'admin' },
      { action: "POST /api/v1/executions/e1/respond with gate_id 'think.1.m2' and decision 'raise', which asks the budget again, or 'fail'", by: 'editor and up' },
    ]);
  });

  it('names an effect that nobody knows the outcome of, and the words that settle it', () => {
    const unknown = { ...gate, id: 'pay.1', node_id: 'pay', kind: 'effect', prompt: 'What became of it?', expires_at: null, approvals_needed: 1 } as const;
    expect(causes({ status: 'suspended', gates: [unknown] })).toMatchObject([
      {
        kind: 'gate',
        gate_id: 'pay.1',
        detail: "Effect 'pay.1' is unknown: What became of it?",
        unblock: [{ action: expect.stringContaining("'done' (with the receipt as answer), 'repeat' or 'fail'"), by: 'editor and up' }],
      },
    ]);
  });

  it('says of a retry what it waits for before it begins', () => {
    expect(causes({ status: 'pending', retry_of: 'e0', created_at: 3_000 })).toMatchObject([{ kind: 'retry', since: at(3_000), held_by: ['e0'] }]);
    expect(causes({ status: 'running', retry_of: 'e0', created_at: 3_000 })).toEqual([]);
  });

  it('says of a cancel which nodes have not stopped yet, and nothing of what no longer matters', () => {
    const nodes = [node('slow', { status: 'running' }), node('call', { status: 'waiting', due_at: 120_000 })];
    expect(causes({ cancel_requested_at: 7_000, cancellation: { by: 'user:ann', reason: null }, nodes, gates: [gate] })).toMatchObject([
      {
        kind: 'delay',
        since: at(7_000),
        detail: "It is being cancelled by user:ann: these nodes have not said yet that they stopped: 'slow'",
        unblock: [{ by: 'runner' }, { by: 'scheduler' }],
      },
    ]);
    expect(causes({ status: 'cancelled', cancel_requested_at: 7_000 })).toEqual([]);
  });

  it('says when a delay ends, and when a node is tried again after which failure', () => {
    expect(causes({ nodes: [node('wait', { type: 'delay', status: 'waiting', started_at: 1_000, due_at: 200_000, attempts: [attempt] })] })).toMatchObject([
      { kind: 'delay', since: at(1_000), until: at(200_000), node_id: 'wait', unblock: [{ by: 'scheduler' }] },
    ]);
    const failed = { ...(attempt as object), ended_at: 95_000, error: { code: 'http_status', message: 'busy' } } as never;
    expect(causes({ nodes: [node('call', { status: 'waiting', due_at: 120_000, attempts: [failed, { ...(attempt as object), attempt: 2 } as never] })] })).toMatchObject([
      { kind: 'retry', since: at(95_000), until: at(120_000), detail: `Attempt 1 of node 'call' failed (http_status): busy; it is tried again at ${at(120_000)}` },
    ]);
  });

  it('tells no runner at all, none of the kind, and none with room apart', () => {
    const nodes = [node('work', { status: 'scheduled', scheduled_at: 90_000, attempts: [attempt] })];
    const said = (...runners: (typeof runner)[]) => causes({ nodes }, runners).map(({ kind, detail }) => [kind, detail]);
    expect(said()).toEqual([['no_runner', "No runner is alive to run node 'work' (code)"]]);
    expect(said({ ...runner, kinds: ['http'] })).toEqual([['no_runner', "None of 1 live runners serves 'code', the kind of node 'work'"]]);
    expect(said(runner)).toEqual([['no_runner', "No runner has started node 'work' (code): 1 serve it, with 0 of 16 slots free and 3 tasks waiting"]]);
  });

  it('leaves a task that was sent just now its time', () => {
    const fresh = { ...(attempt as object), scheduled_at: now - 100 } as never;
    expect(causes({ nodes: [node('work', { status: 'scheduled', scheduled_at: now - 100, attempts: [fresh] })] })).toEqual([]);
  });

  it('names a command that could not be decided', () => {
    expect(causes({ fault: { at: 7_000, command_type: 'CompleteNode', error: 'out of range' } })).toMatchObject([
      { kind: 'fault', since: at(7_000), detail: 'A CompleteNode could not be decided: out of range', unblock: [{ by: 'operator' }] },
    ]);
  });

  it('has nothing to say of an execution that has ended', () => {
    expect(whyOf(view({ status: 'rejected', gates: [gate], fault: { at: 1, command_type: 'x', error: 'y' } }), [], now)).toEqual({ object: 'why', status: 'rejected', causes: [] });
  });
});

import { describe, expect, it } from '@jest/globals';
import { chain, edge, node, Scenario, types } from './testing/scenario.js';

const approval = (config: object = {}, rest: Parameters<typeof chain> = []) =>
  Scenario.of(chain(['ask', 'approval', { prompt: 'Pay {{ input.sum }}?', ...config }], ...rest)).created({ input: { sum: 5 } });
const yes = { type: 'Respond', decision: 'approve', by: 'user:bob', roles: ['editor'] } as const;
const no = { ...yes, decision: 'reject' } as const;

describe('a gate', () => {
  it('suspends the execution when nothing else can progress', async () => {
    const scenario = await approval();
    expect(types(scenario.history).slice(3)).toEqual(['ApprovalRequested', 'ExecutionSuspended']);
    expect(scenario.history[3]?.data).toMatchObject({ gate_id: 'ask.1', prompt: 'Pay 5?' });
    expect(scenario.status()).toBe('awaiting_approval');
  });

  it('lets the execution run on while another node can progress', async () => {
    const scenario = await Scenario.of({
      nodes: [node('ask', 'question', { prompt: '?' }), node('work', 'code')],
      edges: [edge('start_of_workflow', 'ask'), edge('start_of_workflow', 'work')],
    }).created();
    expect(scenario.status()).toBe('running');
    await scenario.start('work');
    await scenario.complete('work');
    expect(scenario.status()).toBe('suspended');
  });
});

describe('Respond', () => {
  it('resumes the execution that asked', async () => {
    const scenario = await approval({}, [['pay', 'code']]);
    expect(types(await scenario.accepted(yes))).toEqual(['ResponseReceived', 'ExecutionResumed', 'NodeCompleted', 'NodeScheduled']);
    expect(scenario.execution?.outputs.get('ask')).toEqual({ decision: 'approve', by: 'user:bob', comment: null, answer: null });
  });

  it('rejects the execution, fails it or takes the branch, as the gate says', async () => {
    const rejected = await approval();
    expect(types(await rejected.accepted(no))).toEqual(['ResponseReceived', 'ExecutionResumed', 'NodeCompleted', 'ExecutionRejected']);
    expect(rejected.status()).toBe('rejected');
    const failed = await approval({ on_reject: 'fail' });
    expect((await failed.accepted({ ...no, comment: 'too much' })).at(-1)).toMatchObject({ type: 'ExecutionFailed', data: { error_code: 'gate_rejected' } });
    const branched = await Scenario.of({
      nodes: [node('ask', 'approval', { prompt: '?', on_reject: 'branch' }), node('pay', 'transform', { expression: '1' }), node('refund', 'transform', { expression: '2' })],
      edges: [edge('start_of_workflow', 'ask'), edge('ask', 'pay', 'approved'), edge('ask', 'refund', 'rejected')],
    }).created();
    await branched.accepted(no);
    expect([branched.status(), branched.status('pay'), branched.status('refund')]).toEqual(['completed', 'skipped', 'completed']);
  });

  it('is refused once another answer won, and answered again for the same command', async () => {
    const scenario = await approval({}, [['pay', 'code']]);
    await scenario.accepted({ ...yes, id: 'first' });
    const late = await scenario.refused({ ...no, gate: 'ask.1' });
    expect(late).toMatchObject({
      rejected: 'InvalidState',
      reason: 'gate_decided',
      state: { status: 'running', accepted: { gate_id: 'ask.1', decision: 'approve', by: 'user:bob' } },
    });
    expect(await scenario.refused(no)).toMatchObject({ reason: 'gate_decided' });
    expect(await scenario.accepted({ ...yes, id: 'first' })).toEqual([]);
  });

  it('never answers a later gate with a command that answered an earlier one', async () => {
    const scenario = await approval({}, [['sign', 'approval', { prompt: 'Sign?' }]]);
    await scenario.accepted({ ...yes, id: 'first' });
    expect(await scenario.accepted({ ...yes, id: 'first' })).toEqual([]);
    expect(scenario.status('sign')).toBe('waiting');
  });

  it('is answered again for the same command while more approvals are needed, and after', async () => {
    const scenario = await approval({ approvers: { needed: 2 } });
    await scenario.accepted({ ...yes, id: 'first' });
    expect(await scenario.accepted({ ...yes, id: 'first' })).toEqual([]);
    await scenario.accepted({ ...yes, by: 'user:eve' });
    expect(await scenario.accepted({ ...yes, id: 'first' })).toEqual([]);
    expect(await scenario.refused({ ...yes, id: 'another', by: 'user:joe' })).toMatchObject({ reason: 'gate_decided', state: { accepted: { by: 'user:eve' } } });
  });

  it('lets one rejection settle what needs several approvals', async () => {
    const scenario = await approval({ approvers: { needed: 3 } });
    await scenario.accepted(yes);
    await scenario.accepted({ ...no, by: 'user:eve', comment: 'no money' });
    expect(scenario.status()).toBe('rejected');
    expect(scenario.history.at(-1)?.data).toMatchObject({ error: "Rejected by user:eve at 'ask': no money", gate_id: 'ask.1', by: 'user:eve' });
  });

  it('takes an approver by role', async () => {
    const scenario = await approval({ approvers: { roles: ['admin'] } });
    expect(await scenario.refused(yes)).toMatchObject({ rejected: 'NotAllowed', reason: 'not_an_approver' });
    expect(types(await scenario.accepted({ ...yes, roles: ['viewer', 'editor', 'admin'] })).at(-1)).toBe('ExecutionCompleted');
  });

  it('is refused when nothing is open, when several are and none is named, and for a gate that does not exist', async () => {
    const none = await Scenario.of(chain(['a', 'code'])).created();
    expect(await none.refused(yes)).toMatchObject({ reason: 'no_open_gate' });
    const two = await Scenario.of({
      nodes: [node('a', 'approval', { prompt: '?' }), node('b', 'approval', { prompt: '?' })],
      edges: [edge('start_of_workflow', 'a'), edge('start_of_workflow', 'b')],
    }).created();
    const refusal = await two.refused(yes);
    expect(refusal).toMatchObject({ reason: 'gate_ambiguous', state: { open_gates: [{ id: 'a.1', node_id: 'a', kind: 'approval' }, { id: 'b.1' }] } });
    expect(refusal.because).toContain("'a.1', 'b.1'");
    expect(await two.refused({ ...yes, gate: 'zzz' })).toMatchObject({ rejected: 'InvalidArgument', errors: [{ pointer: '/gate_id' }] });
    expect(types(await two.accepted({ ...yes, node: 'a' }))).toContain('NodeCompleted');
  });

  it('keeps the gate open for an answer that breaks the schema', async () => {
    const schema = { type: 'object', required: ['sum'], properties: { sum: { type: 'number' } } };
    const scenario = await Scenario.of(chain(['ask', 'question', { prompt: '?', schema }])).created();
    const refusal = await scenario.refused({ type: 'Respond', answer: { sum: 'much' }, by: 'user:bob', roles: [] });
    expect(refusal).toMatchObject({ rejected: 'InvalidArgument', errors: [{ pointer: '/answer/sum' }] });
    expect(await scenario.refused({ type: 'Respond', by: 'user:bob', roles: [] })).toMatchObject({ errors: [{ pointer: '/answer' }] });
    expect(types(await scenario.accepted({ type: 'Respond', answer: { sum: 1 }, by: 'user:bob', roles: [] })).at(-1)).toBe('ExecutionCompleted');
  });

  it('counts N approvals of different people, refuses strangers and the starter', async () => {
    const approvers = { users: ['bob', 'eve', 'ann'], needed: 2, exclude_starter: true };
    const scenario = await approval({ approvers });
    expect(await scenario.refused({ ...yes, by: 'user:mallory' })).toMatchObject({ rejected: 'NotAllowed', reason: 'not_an_approver' });
    expect(await scenario.refused({ ...yes, by: 'user:ann' })).toMatchObject({ reason: 'starter_excluded' });
    expect(types(await scenario.accepted(yes))).toEqual(['ResponseReceived']);
    expect(await scenario.refused(yes)).toMatchObject({ reason: 'already_answered' });
    expect(types(await scenario.accepted({ ...yes, by: 'user:eve' })).at(-1)).toBe('ExecutionCompleted');
  });
});

describe('a gate that expires', () => {
  const expire = { type: 'FireTimer', timer: { kind: 'gate_expiry', gate: 'ask.1' } } as const;

  it.each([
    ['approve', 'completed'],
    ['reject', 'rejected'],
    ['fail', 'failed'],
    [{ answer: 7 }, 'completed'],
  ])('with outcome %j ends in %s', async (on_expiry, status) => {
    const scenario = await approval({ expires_in_seconds: 60, on_expiry });
    expect(await scenario.refused(expire)).toMatchObject({ reason: 'timer_early' });
    scenario.clock = 60_000;
    await scenario.accepted(expire);
    expect(scenario.status()).toBe(status);
  });

  it('is due at a whole millisecond, whatever the seconds', async () => {
    const scenario = await approval({ expires_in_seconds: 60.0004, on_expiry: 'approve' });
    scenario.clock = 60_000;
    expect(await scenario.refused(expire)).toMatchObject({ reason: 'timer_early' });
    scenario.clock = 60_001;
    await scenario.accepted(expire);
    expect(scenario.status()).toBe('completed');
  });

  it('loses against an answer that came first, and wins over one that comes later', async () => {
    const answered = await approval({ expires_in_seconds: 60 }, [['pay', 'code']]);
    answered.clock = 60_000;
    await answered.accepted(yes);
    expect(await answered.refused(expire)).toMatchObject({ reason: 'timer_settled' });
    const expired = await approval({ expires_in_seconds: 60, on_expiry: 'approve' }, [['pay', 'code']]);
    expired.clock = 60_000;
    await expired.accepted(expire);
    expect(await expired.refused({ ...yes, gate: 'ask.1' })).toMatchObject({ reason: 'gate_decided' });
  });

  it('reminds once per reminder while it is open', async () => {
    const scenario = await approval({ reminders_seconds: [10] });
    const remind = { type: 'FireTimer', timer: { kind: 'gate_reminder', gate: 'ask.1', nth: 1 } } as const;
    expect(await scenario.refused(remind)).toMatchObject({ reason: 'timer_early' });
    scenario.clock = 10_000;
    expect(types(await scenario.accepted(remind))).toEqual(['GateReminded']);
    expect(await scenario.refused(remind)).toMatchObject({ reason: 'timer_settled' });
  });
});

import type { Fact } from './history.js';

interface NodeStanding {
  status: string;
  attempt: number;
  runner: unknown;
  /** Not before this may it go on. */
  due: number;
  gate: string | null;
  /** The attempt whose report counts although it was given up. */
  late: number | null;
  /** Gates of an agent's calls that are open. */
  calls: number;
  /** It asks for a larger budget. */
  isOfMoney?: boolean;
  /** The attempt that was last intended, and the one that has its receipt. */
  intended: number | null;
  recorded: number | null;
}

const terminal = new Map([
  ['ExecutionCompleted', 'completed'],
  ['ExecutionFailed', 'failed'],
  ['ExecutionRejected', 'rejected'],
  ['ExecutionCancelled', 'cancelled'],
]);

export const isEnding = (fact: Fact): boolean => terminal.has(fact.type);

/** The state machine of architecture section 3, written down a second time. Says what is wrong with a history. */
export const problemsOf = (history: readonly Fact[]): string[] => {
  const problems: string[] = [];
  const nodes = new Map<string, NodeStanding>();
  const gates = new Map<string, { decided: number; expiresAt: number | null; isOfCall?: boolean }>();
  let status = 'none';
  let cancelling = false;
  let tip = '';
  const complain = (invariant: string, fact: Fact, because: string): void =>
    void problems.push(`${invariant}: ${fact.type} at version ${fact.version} of ${fact.executionId}: ${because}`);
  const follow = (fact: Fact, index: number): void => {
    if (fact.version !== index + 1) complain('I3', fact, `it comes as number ${index + 1}`);
    if (fact.previous !== tip || fact.id !== fact.hash) complain('I3', fact, 'the hash chain is broken');
    tip = fact.id;
    if (fact.type === 'ExecutionSuperseded') return;
    if ([...terminal.values()].includes(status)) {
      complain('I2', fact, `the execution is ${status} already`);
      return;
    }
    if (fact.at > fact.landedAt) complain('I16', fact, `it says ${fact.at - fact.landedAt} ms more than the clock when it was written`);
    const expect = (actual: unknown, ...allowed: unknown[]): void => {
      if (!allowed.includes(actual)) complain('I4', fact, `expected ${allowed.join(' or ')}, but it is ${String(actual)}`);
    };
    const { node_id: id, attempt } = fact.data as { node_id?: string; attempt?: number };
    const node: NodeStanding = nodes.get(id ?? '') ?? { status: 'idle', attempt: 0, runner: null, due: 0, gate: null, late: null, calls: 0, intended: null, recorded: null };
    if (id !== undefined) nodes.set(id, node);
    const sameAttempt = (): void => expect(attempt, node.attempt);
    const openForCall = (): void => {
      expect(node.status, 'running', 'gate');
      sameAttempt();
      node.calls++;
      Object.assign(node, { status: 'gate', gate: fact.data.gate_id, isOfMoney: fact.type === 'BudgetExhausted' });
      gates.set(String(fact.data.gate_id), { decided: 0, expiresAt: (fact.data.expires_at ?? null) as number | null, isOfCall: true });
    };
    const inTime = (): void => {
      if (fact.at < node.due) complain('I16', fact, `it is ${node.due - fact.at} ms early`);
    };
    switch (fact.type) {
      case 'ExecutionCreated':
        expect(status, 'none');
        status = 'pending';
        break;
      case 'ExecutionQueued':
        expect(status, 'pending');
        status = 'queued';
        break;
      case 'ExecutionStarted':
        expect(status, 'queued');
        status = 'running';
        break;
      case 'ExecutionSuspended':
        expect(status, fact.data.reason === 'slot' ? 'suspended' : 'running');
        if ([...nodes.values()].some((one) => ['scheduled', 'running', 'retry', 'delay'].includes(one.status))) complain('I4', fact, 'something can still go on');
        status = 'suspended';
        break;
      case 'ExecutionResumed':
        expect(status, 'suspended');
        status = 'running';
        break;
      case 'CancelRequested':
        expect(cancelling, false);
        cancelling = true;
        break;
      case 'ExecutionFaulted':
        complain('I4', fact, `deciding broke: ${String(fact.data.error)}`);
        break;
      case 'NodeScheduled':
        if (cancelling) complain('I4', fact, 'a cancel was asked for');
        if (node.status === 'retry') inTime();
        expect(node.status, 'idle', 'retry', 'lost');
        expect(attempt, node.status === 'retry' ? node.attempt : node.attempt + 1);
        Object.assign(node, { status: 'scheduled', attempt, runner: null });
        break;
      case 'NodeStarted':
        if (cancelling) complain('I4', fact, 'a cancel was asked for');
        expect(node.status, 'scheduled');
        sameAttempt();
        Object.assign(node, { status: 'running', runner: fact.data.runner, late: null });
        break;
      case 'NodeWaiting':
        expect(node.status, 'idle');
        Object.assign(node, { status: 'delay', attempt, due: fact.data.until });
        break;
      case 'NodeCompleted':
        if (fact.data.inline === true) expect(node.status, 'idle');
        else expect(node.status, 'running', 'delay', 'gate', ...(attempt === node.late ? ['scheduled', 'retry', 'idle'] : []));
        if (node.status === 'delay') inTime();
        if (node.status !== 'idle' && attempt !== node.late) sameAttempt();
        if (node.intended !== null && fact.data.inline !== true && node.recorded !== attempt) complain('I6', fact, 'its effect has no receipt');
        node.status = 'completed';
        break;
      case 'NodeFailed':
        if (fact.data.inline !== true) expect(node.status, 'running', 'lost', 'gate');
        node.status = fact.data.final === true ? 'failed' : 'tried';
        if ((fact.data.error as { effect?: string }).effect === 'unknown') node.late = attempt ?? null;
        break;
      case 'NodeRetryScheduled':
        expect(node.status, 'tried');
        Object.assign(node, { status: 'retry', attempt, due: fact.data.retry_at });
        break;
      case 'NodeStopped':
        expect(node.status, 'scheduled', 'running', 'retry', 'delay', 'gate', 'lost');
        node.status = 'stopped';
        break;
      case 'NodeSkipped':
        expect(node.status, 'idle');
        node.status = 'skipped';
        break;
      case 'AttemptLost':
        expect(node.status, 'running');
        sameAttempt();
        expect(fact.data.runner, node.runner);
        node.status = 'lost';
        if (node.intended !== null) node.late = attempt ?? null;
        break;
      case 'NodeReused':
        for (const reused of fact.data.nodes as string[]) {
          expect(nodes.get(reused)?.status ?? 'idle', 'idle');
          nodes.set(reused, { ...node, status: 'completed' });
        }
        break;
      case 'BudgetReserved':
      case 'TokensUsed':
        expect(node.status, 'running');
        sameAttempt();
        break;
      case 'EffectIntended':
        if (cancelling) complain('I4', fact, 'a cancel was asked for');
        expect(node.status, fact.data.from ? 'idle' : 'running');
        sameAttempt();
        if (fact.data.call) break;
        node.intended = attempt ?? null;
        break;
      case 'EffectRecorded':
        if (fact.data.call) {
          expect(node.status, 'running');
          sameAttempt();
          break;
        }
        if (fact.data.from) expect(node.status, 'idle');
        else if (attempt !== node.late) expect(node.status, 'running', 'gate');
        node.recorded = attempt ?? null;
        if (gates.has(`${id}.${attempt}`) && !fact.data.from) (gates.get(`${id}.${attempt}`) as { decided: number }).decided = 1;
        break;
      case 'BudgetExhausted':
        openForCall();
        break;
      case 'EffectUnknown':
        if (fact.data.call) {
          openForCall();
          break;
        }
        expect(node.status, ...(attempt === 0 ? ['idle'] : ['lost', 'tried']));
        sameAttempt();
        Object.assign(node, { status: 'gate', gate: fact.data.gate_id });
        gates.set(String(fact.data.gate_id), { decided: 0, expiresAt: null });
        break;
      case 'ApprovalRequested':
      case 'QuestionRequested':
        if (fact.data.call) {
          openForCall();
          break;
        }
        expect(node.status, 'idle');
        Object.assign(node, { status: 'gate', attempt, gate: fact.data.gate_id });
        gates.set(String(fact.data.gate_id), { decided: 0, expiresAt: fact.data.expires_at as number | null });
        break;
      case 'ResponseReceived':
      case 'GateExpired': {
        const gate = gates.get(String(fact.data.gate_id));
        if (!gate) {
          complain('I12', fact, 'there is no such gate');
          return;
        }
        if (gate.decided > 0) complain('I12', fact, 'the gate has its winner');
        if (fact.type === 'GateExpired' && (gate.expiresAt === null || fact.at < gate.expiresAt)) complain('I16', fact, 'the gate has not expired');
        if (fact.type === 'GateExpired' || fact.data.accepted === true) gate.decided++;
        if (gate.isOfCall) {
          if (gate.decided > 0 && --node.calls === 0 && !(node.isOfMoney && fact.data.decision === 'fail')) node.status = 'idle';
        } else if (fact.data.decision === 'repeat') node.status = 'idle';
        break;
      }
      case 'GateReminded':
        break;
      default:
        if (!terminal.has(fact.type)) {
          complain('I4', fact, 'there is no such event');
          return;
        }
        status = terminal.get(fact.type) as string;
        if (status === 'cancelled') expect(cancelling, true);
        for (const [name, one] of nodes) {
          if (['scheduled', 'running', 'retry', 'delay', 'gate', 'lost', 'tried'].includes(one.status)) complain('I7', fact, `node '${name}' has no outcome: it is ${one.status}`);
        }
    }
  };
  history.forEach(follow);
  return problems;
};

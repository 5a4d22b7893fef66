import type { GateId, GateRules, Instant, NodeId, RecordedEvent } from '@runlog/execution';
import { type Place, slotOf, type Watched } from './watched.js';

/** What an event starts and stops on the clock. Pure but for `watched`; each timer ends with the event that settles it, never by firing. */
export const foldTimers = (watched: Watched, event: RecordedEvent): void => {
  switch (event.type) {
    case 'ExecutionCreated':
      if (event.data.run_timeout_seconds !== null)
        watched.setClock({ includesSuspended: event.data.timeout_includes_suspended, leftMs: Math.ceil(event.data.run_timeout_seconds * 1000), since: null });
      return;
    case 'ExecutionStarted':
    case 'ExecutionResumed':
      startClock(watched, event.at);
      return;
    case 'ExecutionSuspended':
      stopClock(watched, event.at);
      return;
    case 'NodeScheduled':
      watched.disarm(slotOf('retry', event.data.node_id));
      return;
    case 'NodeStarted': {
      const { node_id: node, attempt } = event.data;
      const timeoutMs = watched.timeouts.get(node);
      if (timeoutMs !== undefined) watched.arm({ kind: 'node_timeout', node, attempt }, event.at + timeoutMs, node);
      return;
    }
    case 'NodeWaiting': {
      const { node_id: node, attempt, until } = event.data;
      watched.arm({ kind: 'delay', node, attempt }, until, node);
      return;
    }
    case 'NodeRetryScheduled': {
      const { node_id: node, attempt, retry_at } = event.data;
      watched.arm({ kind: 'retry', node, attempt }, retry_at, node);
      return;
    }
    case 'ApprovalRequested':
    case 'QuestionRequested':
      watched.disarm(slotOf('node_timeout', event.data.node_id));
      openGate(watched, event.data.gate_id, placeOf(event.data), event.data);
      return;
    case 'EffectUnknown':
    case 'BudgetExhausted':
      watched.disarm(slotOf('node_timeout', event.data.node_id));
      return;
    case 'GateReminded':
      remindNext(watched, event.data.gate_id, placeOf(event.data), event.data.nth);
      return;
    case 'ResponseReceived':
      if (event.data.accepted) closeGate(watched, placeOf(event.data));
      return;
    case 'GateExpired':
      closeGate(watched, placeOf(event.data));
      return;
    case 'NodeCompleted':
    case 'NodeFailed':
    case 'NodeStopped':
    case 'NodeSkipped':
    case 'AttemptLost':
      watched.disarmNode(event.data.node_id);
      return;
    case 'CancelRequested':
      watched.disarmAll();
      watched.cancelling = true;
      watched.setClock(null);
      watched.arm({ kind: 'cancel_grace' }, event.at + event.data.grace_ms);
      return;
  }
};

/** A node's own gate is its only one; those of an agent's calls (`<node>.<attempt>.<key>`) have their timers side by side. */
const placeOf = ({ node_id, gate_id }: { readonly node_id: NodeId; readonly gate_id: GateId }): Place => (gate_id.split('.').length > 2 ? gate_id : node_id);

const startClock = (watched: Watched, at: Instant): void => {
  const { clock } = watched;
  if (!clock || clock.since !== null) return;
  watched.setClock({ ...clock, since: at });
  watched.arm({ kind: 'run_timeout' }, at + clock.leftMs);
};

const stopClock = (watched: Watched, at: Instant): void => {
  const { clock } = watched;
  if (!clock || clock.since === null || clock.includesSuspended) return;
  watched.setClock({ ...clock, leftMs: clock.leftMs - (at - clock.since), since: null });
  watched.disarm(slotOf('run_timeout'));
};

const openGate = (watched: Watched, gate: GateId, node: Place, rules: GateRules): void => {
  if (rules.expires_at !== null) watched.arm({ kind: 'gate_expiry', gate }, rules.expires_at, node);
  remind(watched, gate, node, 1, rules.reminders_at);
};

const closeGate = (watched: Watched, node: Place): void => {
  watched.disarm(slotOf('gate_expiry', node));
  watched.disarm(slotOf('gate_reminder', node));
};

const remindNext = (watched: Watched, gate: GateId, node: Place, given: number): void => {
  const armed = watched.timers.get(slotOf('gate_reminder', node));
  if (armed?.timer.kind !== 'gate_reminder' || armed.timer.nth > given) return;
  watched.disarm(slotOf('gate_reminder', node));
  remind(watched, gate, node, given + 1, armed.later.slice(given - armed.timer.nth));
};

const remind = (watched: Watched, gate: GateId, node: Place, nth: number, [next, ...later]: readonly Instant[]): void => {
  if (next !== undefined) watched.arm({ kind: 'gate_reminder', gate, nth }, next, node, later);
};

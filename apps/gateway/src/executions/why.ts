import type { ExecutionView, GateView, NodeView, WhyResource } from '@runlog/contract';
import type { Heartbeat } from '@runlog/execution';
import { isTerminalStatus, openGatesOf } from '@runlog/read-model';
import type { SlotSeen } from '../queues/slots-seen.js';
import { utc } from './execution-times.js';

type Cause = WhyResource['causes'][number];
/** What is said of runners needs only this much of their heartbeats. */
type RunnerSeen = Pick<Heartbeat, 'kinds' | 'slots' | 'free' | 'backlog'>;

/** So long a task may be on its way to a runner without anything being wrong. */
const UNSTARTED_MS = 2000;

/** What an execution waits for: people, time, a slot, a runner; and what could not be decided. Nothing of one that has ended. */
export const whyOf = (view: ExecutionView, runners: readonly RunnerSeen[], now: number, slot: SlotSeen | null = null): WhyResource => {
  const gates = openGatesOf(view);
  const asking = new Set(gates.map(({ node_id }) => node_id));
  const nodes = Object.values(view.nodes ?? {}).filter(({ node_id }) => !asking.has(node_id));
  // Nothing begins any more: what else it waited for no longer matters.
  if (view.cancel_requested_at !== null && !isTerminalStatus(view.status)) return { object: 'why', status: view.status, causes: [...faultCause(view), cancelCause(view)] };
  const causes = [
    ...faultCause(view),
    ...predecessorCause(view),
    ...(slot ? [slotCause(view, slot)] : []),
    ...gates.map((gate) => gateCause(view, gate)),
    ...nodes.flatMap((node) => nodeCause(node, runners, now)),
  ];
  return { object: 'why', status: view.status, causes: isTerminalStatus(view.status) ? [] : causes };
};

const faultCause = ({ fault }: ExecutionView): Cause[] =>
  fault
    ? [
        {
          kind: 'fault',
          since: utc(fault.at),
          detail: `A ${fault.command_type} could not be decided: ${fault.error}`,
          unblock: [{ action: 'see the log of the commands service; cancel or replay the execution', by: 'operator' }],
        },
      ]
    : [];

const cancelCause = ({ cancel_requested_at, cancellation, nodes }: ExecutionView): Cause => {
  const running = Object.values(nodes ?? {}).flatMap(({ node_id, status }) => (status === 'running' ? [`'${node_id}'`] : []));
  const waitsFor = running.length === 0 ? 'its nodes are being stopped' : `these nodes have not said yet that they stopped: ${running.join(', ')}`;
  return {
    kind: 'delay',
    since: utc(cancel_requested_at ?? 0),
    detail: `It is being cancelled${cancellation ? ` by ${cancellation.by}` : ''}: ${waitsFor}`,
    unblock: [
      { action: 'its nodes stop', by: 'runner' },
      { action: 'its grace period is over', by: 'scheduler' },
    ],
  };
};

/** A retry is created at once, and begins when what it retries has ended: the two never run side by side. */
const predecessorCause = ({ status, retry_of, created_at }: ExecutionView): Cause[] =>
  status === 'pending' && retry_of != null
    ? [
        {
          kind: 'retry',
          since: utc(created_at),
          held_by: [retry_of],
          detail: `It retries execution '${retry_of}', and begins once that has ended`,
          unblock: [
            { action: `the nodes of execution '${retry_of}' stop`, by: 'runner' },
            { action: 'the grace period of that one is over', by: 'scheduler' },
          ],
        },
      ]
    : [];

const slotCause = ({ concurrency_key, status_since }: ExecutionView, { queue, heldBy, isKeyFull, until }: SlotSeen): Cause => {
  const { name, slots, keySlots, held, paused } = queue;
  const wait = { since: utc(status_since), ...(until === null ? {} : { until: utc(until) }), queue_name: name };
  const put = (body: string) => ({ action: `PUT /api/v1/queues/${name} ${body}`, by: 'editor and up' });
  if (paused) return { kind: 'queue_paused', ...wait, held_by: heldBy, detail: `Queue '${name}' is paused: nobody is admitted`, unblock: [put('{"paused": false}')] };
  const full = slots !== null && held >= slots;
  const detail = isKeyFull
    ? `All slots of key '${concurrency_key}' in queue '${name}' are held (${keySlots})`
    : full
      ? `All slots of queue '${name}' are held (${held} of ${slots})`
      : `It is about to be admitted to queue '${name}'`;
  if (!isKeyFull && !full) return { kind: 'slot', ...wait, held_by: [], detail, unblock: [{ action: 'it is admitted when its turn comes', by: 'scheduler' }] };
  return {
    kind: 'slot',
    ...wait,
    held_by: heldBy,
    detail,
    unblock: [{ action: 'one of held_by ends', by: 'its end or its cancel' }, put(isKeyFull ? 'with a higher key_limit' : 'with a higher limit')],
  };
};

const wordsFor: Readonly<Record<GateView['kind'], string>> = {
  approval: '',
  question: '',
  effect: " and decision 'done' (with the receipt as answer), 'repeat' or 'fail'",
  budget: " and decision 'raise' (with the new total as answer: {budget_usd}) or 'fail'",
};

const gateCause = (view: ExecutionView, gate: GateView): Cause => {
  const isShared = gate.budget?.scope === 'workspace' || gate.budget?.scope === 'tree';
  const words = isShared ? " and decision 'raise', which asks the budget again, or 'fail'" : wordsFor[gate.kind];
  const raise = gate.budget?.scope === 'workspace' ? [{ action: `PUT /api/v1/workspaces/${view.workspace_id}/budget with a higher budget_usd, then respond`, by: 'admin' }] : [];
  const respond = { action: `POST /api/v1/executions/${view.id}/respond with gate_id '${gate.id}'${words}`, by: approversOf(view, gate) };
  const expiry = gate.expires_at === null ? [] : [{ action: `it expires at ${utc(gate.expires_at)}`, by: 'scheduler' }];
  return {
    kind: gate.kind === 'budget' ? 'budget' : 'gate',
    since: utc(gate.requested_at),
    ...(gate.expires_at === null ? {} : { until: utc(gate.expires_at) }),
    node_id: gate.node_id,
    gate_id: gate.id,
    detail: asked(gate),
    unblock: [...raise, respond, ...expiry],
  };
};

const asked = ({ id, kind, prompt, approvals_given, approvals_needed }: GateView): string => {
  if (kind === 'question') return `Question '${id}' is open: ${prompt}`;
  if (kind === 'budget') return `Budget '${id}' is exhausted: ${prompt}`;
  return kind === 'effect' ? `Effect '${id}' is unknown: ${prompt}` : `Approval '${id}' is open (${approvals_given} of ${approvals_needed}): ${prompt}`;
};

const approversOf = ({ created_by }: ExecutionView, { approvers }: GateView): string => {
  const { users = [], roles = [], exclude_starter = false } = (approvers ?? {}) as { users?: string[]; roles?: string[]; exclude_starter?: boolean };
  const named = [...users.map((user) => `user ${user}`), ...roles.map((role) => `role ${role}`)];
  return `${named.length > 0 ? named.join(', ') : 'editor and up'}${exclude_starter ? `, but not ${created_by}, who started it` : ''}`;
};

const nodeCause = (node: NodeView, runners: readonly RunnerSeen[], now: number): Cause[] => {
  if (node.status === 'waiting') return [timeCause(node)];
  const scheduledAt = node.attempts.at(-1)?.scheduled_at ?? node.scheduled_at;
  if (node.status !== 'scheduled' || scheduledAt === null || now - scheduledAt <= UNSTARTED_MS) return [];
  const [detail, action] = lackOf(node, runners);
  return [{ kind: 'no_runner', since: utc(scheduledAt), node_id: node.node_id, detail, unblock: [{ action, by: 'operator' }] }];
};

/** A delay, or the time until the next attempt. */
const timeCause = (node: NodeView): Cause => {
  const failed = node.attempts.findLast(({ error }) => error !== null);
  const at = node.due_at === null ? '' : ` at ${utc(node.due_at)}`;
  return {
    kind: failed ? 'retry' : 'delay',
    since: utc(failed?.ended_at ?? node.started_at ?? node.scheduled_at ?? 0),
    ...(node.due_at === null ? {} : { until: utc(node.due_at) }),
    node_id: node.node_id,
    detail: failed
      ? `Attempt ${failed.attempt} of node '${node.node_id}' failed (${failed.error?.code}): ${failed.error?.message}; it is tried again${at}`
      : `Node '${node.node_id}' is in its delay, which ends${at}`,
    unblock: [{ action: `it goes on${at}`, by: 'scheduler' }],
  };
};

/** Why nobody has started the node, and what an operator can do about it. */
const lackOf = ({ node_id, type }: NodeView, runners: readonly RunnerSeen[]): [detail: string, action: string] => {
  const able = runners.filter(({ kinds }) => kinds.includes(type));
  if (runners.length === 0) return [`No runner is alive to run node '${node_id}' (${type})`, 'start a runner'];
  if (able.length === 0) return [`None of ${runners.length} live runners serves '${type}', the kind of node '${node_id}'`, `start a runner that serves '${type}'`];
  const sum = (of: (runner: RunnerSeen) => number): number => able.reduce((total, runner) => total + of(runner), 0);
  return [
    `No runner has started node '${node_id}' (${type}): ${able.length} serve it, with ${sum(({ free }) => free)} of ${sum(({ slots }) => slots)} slots free and ${sum(({ backlog }) => backlog)} tasks waiting`,
    'wait for a free slot, or start another runner',
  ];
};

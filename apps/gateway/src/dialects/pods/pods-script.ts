import type { ExecutionView, GateView, NodeStatus } from '@runlog/contract';
import type { EventData, Json } from '@runlog/execution';
import { openGatesOf } from '@runlog/read-model';
import { type EventResourceSource, eventResource } from '../../executions/event-resource.js';
import type { EventPosition, EventScript, Frame } from '../../streams/event-script.js';
import { statusWords } from '../status-words.js';
import { nodeWord } from './node-words.js';

type Gate = Pick<GateView, 'id' | 'node_id' | 'prompt'> & { readonly isQuestion: boolean };
type Said = { readonly type: string; readonly [member: string]: unknown };

/** What has to be remembered of events told before. */
interface Told {
  readonly startedAt: Map<string, number>;
  readonly open: Map<string, Gate>;
}

/** The last frame of an event has its version as id, those before it `<version>.<n>`. null: not an id of this stream. */
export const podsPositionOf = (id: string): EventPosition | null => {
  const [, version, frames] = /^(\d{1,15})(?:\.(\d{1,9}))?$/.exec(id) ?? [];
  if (version === undefined) return null;
  return frames === undefined ? { version: Number(version), frames: 0 } : { version: Math.max(0, Number(version) - 1), frames: Number(frames) };
};

/**
 * What pods are told: node_update, execution_suspended, execution_status, execution_complete, execution_failed. `before`: the execution as
 * it stood at the position that the stream goes on from; null: from its beginning.
 */
export const podsScript = (before: ExecutionView | null, { version: after, frames: skipped }: EventPosition): EventScript => {
  const told: Told = {
    startedAt: new Map(Object.values(before?.nodes ?? {}).flatMap(({ node_id, started_at }) => (started_at === null ? [] : [[node_id, started_at] as const]))),
    open: new Map((before ? openGatesOf(before) : []).map((gate) => [gate.id, { ...gate, isQuestion: gate.kind === 'question' }])),
  };
  return {
    frames: (event) => {
      const said = saidOf(event, told);
      const frames = said.map((one, at): Frame => ({ id: at === said.length - 1 ? event.version : `${event.version}.${at + 1}`, data: JSON.stringify(one) }));
      return event.version === after + 1 ? frames.slice(skipped) : frames;
    },
    end: () => [],
    ended: ({ status, version }) => [{ id: version, data: JSON.stringify(endOf(status, before)) }],
    reset: (snapshot, version) => ({ id: version, data: JSON.stringify({ type: 'reset', execution: snapshot }) }),
    reconnect: { data: JSON.stringify({ type: 'reconnect' }) },
  };
};

const endOf = (status: ExecutionView['status'], view: ExecutionView | null): Said => {
  if (status === 'completed') return { type: 'execution_complete', status, output: view?.output ?? null };
  if (status === 'cancelled') return { type: 'execution_status', status };
  return { type: 'execution_failed', error: view?.error ?? null };
};

const saidOf = (event: EventResourceSource, told: Told): readonly Said[] => {
  const { data: raw } = eventResource(event);
  const data = <Type extends keyof EventData>(_type: Type) => raw as unknown as EventData[Type];
  const { at } = event;
  const begin = (node: string): void => void (told.startedAt.has(node) || told.startedAt.set(node, at));
  const lasted = (node: string) => ({ durationMs: Math.max(0, at - (told.startedAt.get(node) ?? at)) });
  const update = (nodeId: string, status: NodeStatus, more: object = {}, atGate = false): Said[] => [{ type: 'node_update', nodeId, status: nodeWord(status, atGate), ...more }];
  switch (event.type) {
    case 'ExecutionCreated':
      return [{ type: 'execution_status', status: statusWords.pods.pending }];
    case 'ExecutionStarted':
    case 'ExecutionResumed':
      return [{ type: 'execution_status', status: statusWords.pods.running }];
    case 'ExecutionSuspended':
      return told.open.size === 0 ? [{ type: 'execution_status', status: statusWords.pods.suspended }] : [...told.open.values()].map(suspension);
    case 'ExecutionCompleted':
      return [{ type: 'execution_complete', status: 'completed', ...outputIn(data(event.type)) }];
    case 'ExecutionFailed':
    case 'ExecutionRejected':
      return [{ type: 'execution_failed', error: raw.error as Json }];
    case 'ExecutionCancelled':
      return [{ type: 'execution_status', status: statusWords.pods.cancelled }];
    case 'NodeScheduled':
      return update(data(event.type).node_id, 'scheduled');
    case 'NodeStarted':
      begin(data(event.type).node_id);
      return update(data(event.type).node_id, 'running');
    case 'NodeWaiting':
      begin(data(event.type).node_id);
      return update(data(event.type).node_id, 'waiting');
    case 'NodeRetryScheduled':
      return update(data(event.type).node_id, 'waiting');
    case 'EffectUnknown':
    case 'BudgetExhausted':
    case 'ApprovalRequested':
    case 'QuestionRequested': {
      const { node_id, gate_id: id, prompt } = data(event.type);
      begin(node_id);
      told.open.set(id, { id, node_id, prompt, isQuestion: event.type === 'QuestionRequested' });
      return update(node_id, 'waiting', {}, true);
    }
    case 'ResponseReceived':
      if (data(event.type).accepted) told.open.delete(data(event.type).gate_id);
      return [];
    case 'EffectRecorded':
      told.open.delete(`${data(event.type).node_id}.${data(event.type).attempt}`);
      return [];
    case 'GateExpired':
      told.open.delete(data(event.type).gate_id);
      return [];
    case 'NodeCompleted': {
      const { node_id, ...completed } = data(event.type);
      return update(node_id, 'completed', { ...outputIn(completed), ...lasted(node_id) });
    }
    case 'NodeFailed': {
      const { node_id, error, final } = data(event.type);
      return final ? update(node_id, 'failed', { error: error.message, ...lasted(node_id) }) : [];
    }
    case 'NodeStopped':
      return update(data(event.type).node_id, 'stopped', lasted(data(event.type).node_id));
    case 'NodeSkipped':
      return update(data(event.type).node_id, 'skipped');
    case 'NodeReused':
      return data(event.type).nodes.flatMap((node) => update(node, 'completed'));
    default:
      return [];
  }
};

/** A large one is stored elsewhere: the execution has it. */
const outputIn = ({ output, output_ref }: { readonly output: Json; readonly output_ref?: unknown }): object => (output_ref === undefined ? { output } : {});

const suspension = ({ node_id: nodeId, isQuestion, prompt }: Gate): Said => ({
  type: 'execution_suspended',
  interrupt: isQuestion ? { type: 'ask_human', nodeId, question: prompt } : { type: 'approval', nodeId, message: prompt },
});

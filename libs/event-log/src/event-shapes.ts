import type { EventData, EventType, Json } from '@runlog/execution';

type Kind = 'string' | 'number' | 'boolean' | 'object' | 'array' | 'present';
type Shape = Readonly<Record<string, Kind>>;

const node: Shape = { node_id: 'string' };
const attempt: Shape = { node_id: 'string', attempt: 'number' };
const gate: Shape = { ...attempt, gate_id: 'string', prompt: 'string', schema: 'present', expires_at: 'present', on_expiry: 'present', on_reject: 'string', reminders_at: 'array' };

/** The members that every reader relies on, by event type. `present` may be null. */
const shapes: { readonly [Type in EventType]: Shape & { readonly [Member in keyof EventData[Type]]?: Kind } } = {
  ExecutionCreated: {
    workflow_id: 'string',
    workflow_version_id: 'string',
    created_by: 'string',
    trigger: 'object',
    hashid: 'string',
    key: 'string',
    input: 'present',
    metadata: 'object',
    tags: 'array',
    priority: 'number',
  },
  ExecutionQueued: { queue_name: 'present' },
  ExecutionStarted: {},
  ExecutionSuspended: { status: 'string', reason: 'string' },
  ExecutionResumed: {},
  ExecutionCompleted: { output: 'present' },
  ExecutionFailed: { error: 'string', error_code: 'string', error_node_id: 'present' },
  ExecutionRejected: { error: 'string', gate_id: 'string', error_node_id: 'string', by: 'string' },
  ExecutionCancelled: { by: 'string', reason: 'present', unacknowledged: 'array' },
  ExecutionSuperseded: { by: 'string', number: 'number', ended: 'boolean', asked_by: 'string', hashid: 'string', key: 'string', name: 'string', run_number: 'number' },
  ExecutionFaulted: { command_type: 'string', error: 'string' },
  CancelRequested: { by: 'string', reason: 'present', grace_ms: 'number', running: 'array' },
  NodeScheduled: { ...attempt, kind: 'string' },
  NodeStarted: { ...attempt, runner: 'string' },
  NodeWaiting: { ...attempt, until: 'number' },
  NodeCompleted: { ...attempt, output: 'present' },
  NodeFailed: { ...attempt, error: 'object', final: 'boolean' },
  NodeRetryScheduled: { ...attempt, retry_at: 'number' },
  NodeStopped: { ...attempt, acknowledged: 'boolean' },
  NodeSkipped: node,
  NodeReused: { source_execution_id: 'string', source_version: 'number', nodes: 'array', branches: 'object' },
  AttemptLost: { ...attempt, runner: 'string', because: 'string' },
  EffectIntended: { ...attempt, key: 'string' },
  EffectRecorded: { ...attempt, key: 'string' },
  EffectUnknown: { ...attempt, gate_id: 'string', key: 'string', prompt: 'string' },
  ApprovalRequested: gate,
  QuestionRequested: gate,
  BudgetReserved: { ...attempt, key: 'string', nano_usd: 'string' },
  TokensUsed: { ...attempt, key: 'string', provider: 'string', model: 'string', tokens: 'present', cost_nano_usd: 'present', price: 'present' },
  BudgetExhausted: { ...attempt, gate_id: 'string', key: 'string', needed_nano_usd: 'string', left_nano_usd: 'string', scope: 'string', prompt: 'string' },
  GateReminded: { ...node, gate_id: 'string', nth: 'number' },
  ResponseReceived: { ...node, gate_id: 'string', decision: 'present', answer: 'present', comment: 'present', by: 'string', accepted: 'boolean' },
  GateExpired: { ...node, gate_id: 'string', outcome: 'string', answer: 'present' },
};

const fits = (value: Json | undefined, kind: Kind): boolean => {
  if (kind === 'present') return value !== undefined;
  if (kind === 'array') return Array.isArray(value);
  if (kind === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === kind;
};

/** What is wrong with the data of an event, or undefined. A type that this version doesn't know passes: `evolve` stops on it, projections ignore it. */
export const shapeProblem = (type: string, data: Json): string | undefined => {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return 'its data is not an object';
  if (!Object.hasOwn(shapes, type)) return undefined;
  const shape = shapes[type as EventType] as Shape;
  for (const member in shape) {
    if (!fits(data[member], shape[member] as Kind)) return `member '${member}' of ${type} is not ${shape[member] === 'present' ? 'there' : `of kind ${shape[member]}`}`;
  }
  return undefined;
};

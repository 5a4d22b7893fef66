import { type EventLog, encodeJson, partitionOf } from '@runlog/event-log';
import type { ExecutionCommand, NodeTask, RunnerId } from '@runlog/execution';
import { Outbox } from './outbox.js';

type Told = Extract<ExecutionCommand, { runner: RunnerId }>;
/** A runner's command about an attempt, without what every one of them carries. */
export type About = Told extends infer One
  ? One extends Told
    ? Omit<One, 'id' | 'executionId' | 'workspaceId' | 'at' | 'replyTo' | 'traceparent' | 'node' | 'attempt' | 'runner' | 'begunBy'>
    : never
  : never;

const verbs = { StartNode: 'start', CompleteNode: 'complete', FailNode: 'fail', StopNode: 'stop', LoseAttempt: 'lose', TakeStep: 'step', ParkNode: 'park' } as const;

/** The id of a runner's command about an attempt: the same however often it is sent, another in each leg that the attempt is begun in, and for each step. */
export const commandId = (type: keyof typeof verbs, task: NodeTask, runner: RunnerId, nth?: number): string => {
  const head = task.leg?.begun?.head;
  return `${verbs[type]}:${task.executionId}:${task.node}.${task.attempt}:${runner}${nth === undefined ? '' : `:${nth}`}${head === undefined ? '' : `@${head}`}`;
};

/** The way of a runner's commands to the engine, in order per execution. */
export class CommandsOut {
  readonly #outbox: Outbox;

  constructor(
    private readonly log: EventLog,
    private readonly runner: RunnerId,
  ) {
    this.#outbox = new Outbox(log, 'execution-commands');
  }

  /** Resolves when the command is on the log. */
  send(about: About, task: NodeTask, lingerMs = 0): Promise<void> {
    const { executionId, workspaceId, node, attempt, traceparent } = task;
    const begunBy = task.leg?.begun?.by;
    // JSON leaves out what is undefined.
    const command = {
      ...about,
      id: commandId(about.type, task, this.runner, 'nth' in about ? about.nth : undefined),
      executionId,
      workspaceId,
      at: Date.now(),
      replyTo: this.runner,
      traceparent,
      begunBy,
      node,
      attempt,
      runner: this.runner,
    };
    return this.#outbox.send(partitionOf(executionId, this.log.partitions('execution-commands')), encodeJson(executionId, command), lingerMs);
  }
}

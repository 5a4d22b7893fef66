import { type EventLog, encodeJson, partitionOf } from '@runlog/event-log';
import { commandIdAbout, type ExecutionCommand, type NodeTask, type RunnerId } from '@runlog/execution';
import { Outbox } from './outbox.js';

type Told = Extract<ExecutionCommand, { runner: RunnerId }>;
/** A runner's command about an attempt, without what every one of them carries. */
export type About = Told extends infer One
  ? One extends Told
    ? Omit<One, 'id' | 'executionId' | 'workspaceId' | 'at' | 'replyTo' | 'traceparent' | 'node' | 'attempt' | 'runner' | 'begunBy'>
    : never
  : never;

/** The way of a runner's commands to the engine, in order per execution. */
export class CommandsOut {
  readonly #outbox: Outbox;

  constructor(
    private readonly log: EventLog,
    private readonly runner: RunnerId,
  ) {
    this.#outbox = new Outbox(log, 'execution-commands');
  }

  /** Resolves when the command is on the log. `at`: when that happened of which it tells. */
  send(about: About, task: NodeTask, lingerMs = 0, at = Date.now()): Promise<void> {
    const { executionId, workspaceId, node, attempt, traceparent } = task;
    const begunBy = task.leg?.begun?.by;
    // JSON leaves out what is undefined.
    const command = {
      ...about,
      id: commandIdAbout(task, about.type, this.runner, 'nth' in about ? about.nth : undefined),
      executionId,
      workspaceId,
      at,
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

import { decodeJson, type EventLog, encodeJson, partitionOf } from '@runlog/event-log';
import type { CommandType, ExecutionCommand, Heartbeat, NodeTask, Reply } from '@runlog/execution';
import type { Random } from './random.js';

/** What the world outside saw runners do, which no crash undoes. */
export interface Effect {
  readonly executionId: string;
  readonly node: string;
  readonly attempt: number;
  readonly runner: string;
}

interface Running {
  readonly task: NodeTask;
  stopped: boolean;
  accepted: boolean;
}

const keyOf = ({ executionId, node, attempt }: Pick<NodeTask, 'executionId' | 'node' | 'attempt'>): string => `${executionId}:${node}.${attempt}`;

/** A runner as small as its protocol: start, effect, report; at-most-once nodes wait for the engine's word; stop signals are answered. */
export class SimulatedRunner {
  readonly #running = new Map<string, Running>();
  readonly #taken = new Set<string>();

  constructor(
    private readonly id: string,
    private readonly log: EventLog,
    private readonly random: Random,
    private readonly effects: Effect[],
    /** Once troubles are over, nodes neither fail nor take long. */
    private readonly isTroubled: () => boolean,
  ) {}

  async start(): Promise<void> {
    await this.log.tail({
      topic: 'command-replies',
      start: async () => 'end',
      onBatch: async ({ records }) => {
        for (const record of records) if (record.key === this.id) this.#hear(decodeJson<Reply>(record));
      },
    });
    await this.log.subscribe({
      topic: 'node-tasks',
      group: 'runners',
      start: async () => 'committed',
      onBatch: async ({ records }) => {
        for (const record of records) void this.#take(decodeJson<NodeTask>(record));
      },
    });
    this.#beat();
    setInterval(() => this.#beat(), 1_000);
  }

  #beat(): void {
    const heartbeat: Heartbeat = { runner: this.id, at: Date.now(), kinds: ['code'], slots: 50, free: 50 - this.#running.size, backlog: 0, partitions: [], stopping: false };
    this.log.send([{ topic: 'runner-heartbeats', partition: 0, records: [encodeJson(this.id, heartbeat)] }]).catch(() => undefined);
  }

  async #take(task: NodeTask): Promise<void> {
    const key = keyOf(task);
    if (this.#taken.has(key)) return;
    this.#taken.add(key);
    const running: Running = { task, stopped: false, accepted: task.effect !== 'at_most_once' };
    this.#running.set(key, running);
    const began = Promise.withResolvers<void>();
    const again = running.accepted ? undefined : setInterval(() => (running.accepted || running.stopped ? began.resolve() : this.#send(task, 'StartNode', {})), 500);
    this.#send(task, 'StartNode', {});
    if (again) await began.promise;
    clearInterval(again);
    if (!running.stopped) await this.#work(running);
    this.#running.delete(key);
  }

  async #work(running: Running): Promise<void> {
    const { task } = running;
    const { executionId, node, attempt } = task;
    this.effects.push({ executionId, node, attempt, runner: this.id });
    const isTroubled = this.isTroubled();
    const ms = isTroubled && this.random.chance(task.effect === 'at_most_once' ? 0.5 : 0.15) ? this.random.between(500, 6_000) : this.random.between(1, 60);
    const fails = isTroubled && this.random.chance(0.1);
    await new Promise((resolve) => setTimeout(resolve, ms));
    if (running.stopped) return;
    if (fails) this.#send(task, 'FailNode', { error: { code: 'broken', message: 'it broke', retryable: true } });
    else this.#send(task, 'CompleteNode', { output: { by: node, attempt } });
  }

  #hear(reply: Reply): void {
    if (reply.type === 'stop') {
      const running = this.#running.get(keyOf(reply));
      if (!running || running.stopped) return;
      running.stopped = true;
      if (reply.reason === 'cancelled') this.#send(running.task, 'StopNode', {});
      return;
    }
    const [, verb, key = ''] = /^(\w+)!(.+)!/.exec(reply.commandId) ?? [];
    const running = this.#running.get(key);
    if (verb !== 'StartNode' || !running) return;
    if (reply.type === 'refused') running.stopped = true;
    else running.accepted = true;
  }

  #send(task: NodeTask, type: CommandType, rest: object): void {
    const { executionId, workspaceId, node, attempt } = task;
    const command = {
      type,
      id: `${type}!${keyOf(task)}!${this.id}`,
      executionId,
      workspaceId,
      at: Date.now(),
      replyTo: this.id,
      node,
      attempt,
      runner: this.id,
      ...rest,
    } as unknown as ExecutionCommand;
    const partition = partitionOf(executionId, this.log.partitions('execution-commands'));
    this.log.send([{ topic: 'execution-commands', partition, records: [encodeJson(executionId, command)] }]).catch(() => undefined);
  }
}

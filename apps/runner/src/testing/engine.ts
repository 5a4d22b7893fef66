import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileArtifacts } from '@runlog/artifacts';
import { type PriceList, priceList } from '@runlog/cost';
import { createPostgresLog, decodeJson, type EventLog, encodeJson, partitionOf, type Topic } from '@runlog/event-log';
import type { ExecutionCommand, Frame, Heartbeat, LoggedLine, NodeTask, Reply, RunnerId } from '@runlog/execution';
import { createLogger } from '@runlog/platform';
import { type TestDatabase, until } from '@runlog/testing';
import { uuidv7 } from 'uuidv7';
import type { AgentMemory } from '../agent/agency.js';
import { RunnerService, type RunnerSettings } from '../runner.service.js';

const logger = createLogger('runner-test', { logLevel: 'silent' });

/** Runners on a real log, seen from the engine's side of it: tasks and replies in, commands, frames and heartbeats out. */
export class Engine {
  readonly #runners: RunnerService[] = [];
  readonly #artifacts = fileArtifacts(join(tmpdir(), `runlog-artifacts-${uuidv7()}`), 64 * 1024 * 1024);
  readonly #logs: EventLog[] = [];

  private constructor(
    private readonly url: string,
    readonly log: EventLog,
  ) {}

  static async open(server: TestDatabase): Promise<Engine> {
    const url = await server.fresh();
    const engine = new Engine(url, Engine.#logAt(url));
    await engine.log.start();
    return engine;
  }

  static #logAt(connectionString: string): EventLog {
    return createPostgresLog({ connectionString, partitions: { executions: 2, tasks: 4, instances: 2, one: 1 }, logger });
  }

  /** A runner with a connection of its own, as in a process of its own. */
  async runner(
    settings: Partial<RunnerSettings> = {},
    secrets: Record<string, string> = {},
    given: { readonly memory?: Partial<AgentMemory>; readonly prices?: PriceList } = {},
  ): Promise<RunnerService> {
    const log = Engine.#logAt(this.url);
    this.#logs.push(log);
    await log.start();
    const store = { read: async (_workspace: string, name: string) => secrets[name] };
    const memory = { saidBefore: async () => ({ content: '', thinking: '' }), history: async () => [], ...given.memory };
    const runner = new RunnerService({
      log,
      secrets: store,
      artifacts: this.#artifacts,
      memory,
      prices: given.prices ?? priceList(),
      logger,
      settings: { slots: 8, egressAllow: ['127.0.0.0/8'], stopWithinMs: 200, ...settings },
    });
    this.#runners.push(runner);
    await runner.start();
    return runner;
  }

  task(given: Partial<NodeTask>): NodeTask {
    const { executionId = uuidv7(), node = 'work', attempt = 1 } = given;
    const scope = { input: { x: 2 }, nodes: {}, execution: { id: executionId } };
    return {
      executionId,
      workspaceId: 'w1',
      workflowVersionId: 'v1',
      node,
      attempt,
      kind: 'code',
      config: { source: 'return input.x + 1' },
      timeoutMs: null,
      idempotencyKey: `${executionId}:${node}`,
      effect: null,
      scope,
      at: Date.now(),
      ...given,
    };
  }

  /** Sends one task, or the same one twice. */
  async give(given: Partial<NodeTask>, partition = 0): Promise<NodeTask> {
    const task = this.task(given);
    await this.log.send([{ topic: 'node-tasks', partition, records: [encodeJson(task.executionId, task)] }]);
    return task;
  }

  reply(runner: RunnerService, reply: Reply): Promise<void> {
    return this.send(runner.id, reply);
  }

  async send(runner: RunnerId, reply: Reply): Promise<void> {
    await this.log.send([{ topic: 'command-replies', partition: partitionOf(runner, this.log.partitions('command-replies')), records: [encodeJson(runner, reply)] }]);
  }

  refuse(runner: RunnerService, command: ExecutionCommand): Promise<void> {
    const rejection = { rejected: 'InvalidState' as const, because: 'the attempt was lost', reason: 'attempt_over' };
    return this.reply(runner, { type: 'refused', commandId: command.id, executionId: command.executionId, workspaceId: command.workspaceId, rejection });
  }

  async messages<Message>(topic: Topic, key?: string): Promise<Message[]> {
    const found: Message[] = [];
    for (let partition = 0; partition < this.log.partitions(topic); partition++)
      for await (const records of this.log.read(topic, partition, 0, await this.log.end(topic, partition)))
        found.push(...records.filter((record) => key === undefined || record.key === key).map((record) => decodeJson<Message>(record)));
    return found;
  }

  commands = (task: NodeTask): Promise<ExecutionCommand[]> => this.messages<ExecutionCommand>('execution-commands', task.executionId);
  frames = (task: NodeTask): Promise<Frame[]> => this.messages<Frame>('execution-frames', task.executionId);
  lines = async (task: NodeTask): Promise<LoggedLine[]> => (await this.frames(task)).flatMap((frame) => (frame.type === 'lines' ? frame.lines : []));
  heartbeats = (runner: RunnerService): Promise<Heartbeat[]> => this.messages<Heartbeat>('runner-heartbeats', runner.id);

  /** The commands about a task once one of this type is among them. */
  told(task: NodeTask, type: ExecutionCommand['type']): Promise<ExecutionCommand[]> {
    return until(`${type} of ${task.node}`, async () => {
      const commands = await this.commands(task);
      return commands.some((command) => command.type === type) && commands;
    });
  }

  /** Waits until the runner reads all partitions of tasks. */
  reads(...runners: RunnerService[]): Promise<boolean> {
    return until('every partition of tasks is read', () => runners.reduce((sum, runner) => sum + runner.describe().partitions.length, 0) === this.log.partitions('node-tasks'));
  }

  async stopRunners(): Promise<void> {
    await Promise.all(this.#runners.splice(0).map((runner) => runner.stop()));
  }

  async close(): Promise<void> {
    await this.stopRunners();
    await Promise.all([this.log, ...this.#logs.splice(0)].map((log) => log.stop()));
  }
}

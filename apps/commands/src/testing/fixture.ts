import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ArtifactStore, fileArtifacts } from '@runlog/artifacts';
import {
  AcceptedEvents,
  createPostgresLog,
  type DecodedEvent,
  decodeJson,
  type EventLog,
  encodeJson,
  type LogRecord,
  type NewRecord,
  partitionOf,
  type Topic,
} from '@runlog/event-log';
import type { ExecutionCommand, Json, NodeTask, Reply } from '@runlog/execution';
import { createLogger } from '@runlog/platform';
import { Catalog, createDatabase } from '@runlog/read-model';
import { createdWith, startTestDatabase, type TestDatabase, until } from '@runlog/testing';
import type { NodeDefinition, WorkflowDefinition } from '@runlog/workflow';
import { uuidv7 } from 'uuidv7';
import { type CommandsParts, CommandsService } from '../commands.service.js';

const logger = createLogger('commands-test', { logLevel: (process.env.LOG_LEVEL as 'warn' | undefined) ?? 'silent' });

export const node = (id: string, type: string, config: NodeDefinition['config'], more: Partial<NodeDefinition> = {}): NodeDefinition => ({ id, type, name: id, config, ...more });
export const transform = (id: string, expression: string): NodeDefinition => node(id, 'transform', { expression });

/** A chain of the nodes in the given order. */
export const chain = (key: string, nodes: readonly NodeDefinition[], more: Partial<WorkflowDefinition> = {}): WorkflowDefinition => ({
  key,
  name: key,
  nodes,
  edges: nodes.map(({ id }, index) => ({ from: nodes[index - 1]?.id ?? 'start_of_workflow', to: id })),
  ...more,
});

/** Nodes that all start at once. */
export const fan = (key: string, nodes: readonly NodeDefinition[]): WorkflowDefinition => ({
  key,
  name: key,
  nodes,
  edges: nodes.map(({ id }) => ({ from: 'start_of_workflow', to: id })),
});

/** The engine on a real log and database: commands in, and what an independent reader of the log finds. */
export class Fixture {
  private constructor(
    readonly url: string,
    readonly log: EventLog,
    readonly catalog: Catalog,
    readonly workspaceId: string,
    private readonly podId: string,
  ) {}

  /** Its folder is made with the first body. */
  readonly artifacts: ArtifactStore = fileArtifacts(join(tmpdir(), `runlog-artifacts-${uuidv7()}`), 64 * 1024 * 1024);

  static async open(server: TestDatabase): Promise<Fixture> {
    const url = await server.fresh();
    const database = await createDatabase({ url, poolSize: 4 });
    const catalog = new Catalog(database);
    const { workspace, pod } = await catalog.seedDefaults();
    const log = await Fixture.openLog(url);
    return new Fixture(url, log, catalog, workspace.id, pod.id);
  }

  static async openLog(url: string): Promise<EventLog> {
    const log = createPostgresLog({ connectionString: url, partitions: { executions: 4, tasks: 4, instances: 4, one: 1 }, logger, onBug: () => undefined });
    await log.start();
    return log;
  }

  /** A service with connections of its own, as in a process of its own. `wrap` stands between it and its log. */
  async service(
    options: { wrap?: (log: EventLog) => EventLog } & Pick<CommandsParts, 'group' | 'limits' | 'legs' | 'onHalted'> = {},
  ): Promise<{ service: CommandsService; stop(): Promise<void> }> {
    const { wrap = (log) => log, ...more } = options;
    const database = await createDatabase({ url: this.url, poolSize: 4 });
    const log = await Fixture.openLog(this.url);
    const service = new CommandsService({ log: wrap(log), database, catalog: new Catalog(database), artifacts: this.artifacts, logger, ...more });
    await service.start();
    return {
      service,
      stop: async () => {
        await service.stop();
        await log.stop();
        await database.close();
      },
    };
  }

  async publish(definition: WorkflowDefinition): Promise<string> {
    const { version } = await this.catalog.createWorkflow({ workspaceId: this.workspaceId, definition, by: null, at: 1 });
    return version.id;
  }

  create(versionId: string, input: Json = {}, more: { id?: string; executionId?: string; replyTo?: string } = {}): ExecutionCommand & { type: 'CreateExecution' } {
    const { id = uuidv7(), executionId = uuidv7(), replyTo } = more;
    return {
      type: 'CreateExecution',
      id,
      executionId,
      workspaceId: this.workspaceId,
      at: Date.now(),
      ...(replyTo === undefined ? {} : { replyTo }),
      created: createdWith({ workflow_id: uuidv7(), workflow_version_id: versionId, pod_id: this.podId, input }),
    };
  }

  /** A command about an execution, with what every command carries. */
  about<Type extends ExecutionCommand['type']>(executionId: string, type: Type, rest: object): ExecutionCommand {
    return { type, id: uuidv7(), executionId, workspaceId: this.workspaceId, at: Date.now(), ...rest } as unknown as ExecutionCommand;
  }

  async send(...commands: readonly ExecutionCommand[]): Promise<void> {
    await this.sendRaw(...commands.map((command) => ({ executionId: command.executionId, record: encodeJson(command.executionId, command) })));
  }

  async sendRaw(...records: readonly { executionId: string; record: NewRecord }[]): Promise<void> {
    const partitions = this.log.partitions('execution-commands');
    const byPartition = Map.groupBy(records, ({ executionId }) => partitionOf(executionId, partitions));
    await this.log.send([...byPartition].map(([partition, some]) => ({ topic: 'execution-commands' as const, partition, records: some.map(({ record }) => record) })));
  }

  async records(topic: Topic): Promise<LogRecord[]> {
    const found: LogRecord[] = [];
    for (let partition = 0; partition < this.log.partitions(topic); partition++)
      for await (const some of this.log.read(topic, partition, await this.log.begin(topic, partition), await this.log.end(topic, partition))) found.push(...some);
    return found;
  }

  /** The accepted events of one partition, by the claim rule alone. */
  async accepted(partition: number): Promise<DecodedEvent[]> {
    const rule = new AcceptedEvents();
    const found: DecodedEvent[] = [];
    for await (const some of this.log.read('execution-events', partition, 0, await this.log.end('execution-events', partition)))
      for (const record of some) {
        const accepted = rule.accept(record);
        if (accepted) found.push(accepted.event);
      }
    return found;
  }

  async events(executionId: string): Promise<DecodedEvent[]> {
    const all = await this.accepted(partitionOf(executionId, this.log.partitions('execution-events')));
    return all.filter((event) => event.executionId === executionId);
  }

  /** Waits until the execution has an event of this type; gives its history. */
  reaches(executionId: string, type: DecodedEvent['type']): Promise<DecodedEvent[]> {
    return until(`${type} of ${executionId}`, async () => {
      const events = await this.events(executionId);
      return events.some((event) => event.type === type) && events;
    });
  }

  async tasks(): Promise<NodeTask[]> {
    return (await this.records('node-tasks')).map((record) => decodeJson<NodeTask>(record));
  }

  async replies(instance: string): Promise<Reply[]> {
    return (await this.records('command-replies')).filter(({ key }) => key === instance).map((record) => decodeJson<Reply>(record));
  }

  async close(): Promise<void> {
    await this.log.stop();
    await this.catalog.database.close();
  }
}

export { startTestDatabase, until };

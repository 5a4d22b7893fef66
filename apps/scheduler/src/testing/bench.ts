import { createPostgresLog, decodeJson, type EventLog, encodeEvent, encodeJson, type OwnedPartition, type Subscription } from '@runlog/event-log';
import type { EventData, EventType, ExecutionCommand, Heartbeat, RecordedEvent } from '@runlog/execution';
import { createLogger } from '@runlog/platform';
import { createDatabase, type Database } from '@runlog/read-model';
import { until } from '@runlog/testing';
import type { WorkflowDefinition } from '@runlog/workflow';
import { SchedulerService } from '../scheduler.service.js';
import { eventOf } from './events.js';

export const heartbeatTimeoutMs = 1500;

interface Sent {
  readonly command: ExecutionCommand;
  /** When it was appended. */
  readonly at: number;
}

/** Stands in for the stations around the scheduler on one real log with one partition: writes events and heartbeats, collects commands. */
export class Bench {
  readonly sent: Sent[] = [];
  readonly definitions = new Map<string, WorkflowDefinition>();
  private owned: OwnedPartition | undefined;
  private claim = -1;
  private readonly subscriptions: Subscription[] = [];
  private version = 0;
  private readonly beating = new Map<string, NodeJS.Timeout>();

  private constructor(
    readonly log: EventLog,
    readonly database: Database,
  ) {}

  static async open(connectionString: string): Promise<Bench> {
    const database = await createDatabase({ url: connectionString, poolSize: 6 });
    const log = createPostgresLog({ connectionString, partitions: { executions: 1, tasks: 1, instances: 1, one: 1 } });
    await log.start();
    const bench = new Bench(log, database);
    await bench.own();
    bench.subscriptions.push(
      await log.tail({
        topic: 'execution-commands',
        start: async () => 0,
        onBatch: async (batch) => void bench.sent.push(...batch.records.map((record) => ({ command: decodeJson<ExecutionCommand>(record), at: record.at }))),
      }),
    );
    return bench;
  }

  scheduler(): SchedulerService {
    const { log, database } = this;
    const definitions = { workflowVersion: async (versionId: string) => ({ versionId, definition: this.definitions.get(versionId) ?? empty }) };
    return new SchedulerService({ log, database, definitions, heartbeatTimeoutMs, logger: createLogger('scheduler', { logLevel: 'silent' }) });
  }

  async happens<Type extends EventType>(executionId: string, type: Type, data: EventData[Type], at = Date.now()): Promise<void> {
    await this.record([eventOf(executionId, type === 'ExecutionCreated' ? 1 : ++this.version + 1, at, type, data)]);
  }

  async record(events: readonly RecordedEvent[]): Promise<void> {
    await this.owned?.append(events.map((event) => encodeEvent({ ...event, value: JSON.stringify(event.data) }, this.claim)));
  }

  /** An event under a claim that is not in force. */
  async recordVoid(event: RecordedEvent): Promise<void> {
    await this.owned?.append([encodeEvent({ ...event, value: JSON.stringify(event.data) }, this.claim + 1_000_000)]);
  }

  async beat(runner: string, given: Partial<Heartbeat> = {}): Promise<void> {
    const heartbeat: Heartbeat = { runner, at: Date.now(), kinds: ['http'], slots: 4, free: 4, backlog: 0, partitions: [0], stopping: false, ...given };
    await this.log.send([{ topic: 'runner-heartbeats', partition: 0, records: [encodeJson(runner, heartbeat)] }]);
  }

  async startBeating(runner: string, given: Partial<Heartbeat> = {}): Promise<void> {
    await this.beat(runner, given);
    this.beating.set(
      runner,
      setInterval(() => void this.beat(runner, given), 300),
    );
  }

  stopBeating(runner: string): void {
    clearInterval(this.beating.get(runner));
  }

  /** The command with this id, once it is on the log `times` times. */
  async command(id: string, { times = 1, withinMs = 50_000 } = {}): Promise<Sent> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const found = this.sent.filter(({ command }) => command.id === id);
      const last = found[times - 1];
      if (last) return last;
      if (Date.now() > deadline)
        throw new Error(`Expected command '${id}' ${times} times within ${withinMs} ms, but got ${found.length}: ${this.sent.map(({ command }) => command.id).join(', ')}`);
      await tick();
    }
  }

  rows(table: 'timers' | 'attempts' | 'executions'): Promise<Record<string, unknown>[]> {
    return this.database.query(`select * from scheduler_${table} order by execution_id`);
  }

  async flushed(): Promise<void> {
    const end = await this.log.end('execution-events', 0);
    await until(
      'the scheduler is as far as the log',
      async () => (await this.database.query<{ next_offset: number }>('select next_offset from scheduler_progress'))[0]?.next_offset === end,
    );
  }

  async close(): Promise<void> {
    for (const timer of this.beating.values()) clearInterval(timer);
    for (const subscription of this.subscriptions) await subscription.stop();
    await this.log.stop();
    await this.database.close();
  }

  private async own(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.subscriptions.push(
      await this.log.own({
        group: 'commands',
        run: async (owned) => {
          this.claim = await owned.claim();
          this.owned = owned;
          resolve();
          await new Promise((end) => owned.signal.addEventListener('abort', end));
        },
      }),
    );
    return promise;
  }
}

const empty: WorkflowDefinition = { key: 'empty', name: 'Empty', nodes: [], edges: [] };

const tick = () => new Promise((resolve) => setTimeout(resolve, 10));

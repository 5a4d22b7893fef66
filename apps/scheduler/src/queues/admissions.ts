import { type EventLog, encodeJson, partitionOf } from '@runlog/event-log';
import type { ExecutionCommand } from '@runlog/execution';
import type { Logger } from '@runlog/platform';
import type { Database } from '@runlog/read-model';
import { commandTo } from './commands.js';
import { type Granted, grantSlots } from './granting.js';
import { type Due, expire, offsetsReached, queuesDue, sweepAway, unanswered } from './looking-sql.js';
import type { QueueName } from './standings-sql.js';

/** How often queues are looked through for what nobody told of: changed limits, time that has passed, slots freed by one who died then. */
const LOOK_EVERY_MS = 500;
const SWEEP_EVERY_MS = 10_000;
/** A command without an answer is sent again after so long. */
const AGAIN_MS = 5_000;
const AT_ONCE = 500;
const SENT_AT_ONCE = 1_000;

interface Parts {
  readonly log: Pick<EventLog, 'send' | 'partitions' | 'end'>;
  readonly database: Pick<Database, 'query' | 'transaction'>;
  readonly logger: Logger;
  readonly onSent: (command: ExecutionCommand) => void;
}

/**
 * Grants the slots of every queue, whichever partitions its executions are in: the queue's rows are where schedulers meet. A lease is granted
 * before its command is sent, and nothing is granted before the tables reach the ends that the log had when this scheduler started.
 */
export class Admissions {
  private readonly mustReach = new Map<number, number>();
  private readonly due = new Map<string, QueueName>();
  private working: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private lookedAt = 0;
  private sweptAt = Date.now();
  private stopped = true;

  constructor(private readonly parts: Parts) {}

  async start(): Promise<void> {
    const { log } = this.parts;
    const partitions = Array.from({ length: log.partitions('execution-events') }, (_, partition) => partition);
    await Promise.all(partitions.map(async (partition) => this.reach(partition, await log.end('execution-events', partition))));
    this.stopped = false;
    this.wake(0);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.working;
  }

  /** Nothing is granted before the tables have what the log had up to there. */
  reach(partition: number, end: number): void {
    this.mustReach.set(partition, Math.max(end, this.mustReach.get(partition) ?? 0));
  }

  /** Something of these queues has changed in the tables. */
  changed(queues: readonly QueueName[]): void {
    for (const name of queues) this.due.set(`${name.workspaceId} ${name.queue}`, name);
    this.wake(0);
  }

  /** Sends again what has had no effect yet; `sinceMs` ago or earlier. */
  async remind(partition: number, sinceMs: number = AGAIN_MS): Promise<void> {
    const now = Date.now();
    await this.send((await unanswered(this.parts.database, partition, now - sinceMs, AT_ONCE)).map((one) => commandTo(one, now)));
  }

  private wake(inMs: number): void {
    if (this.stopped || this.working) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.work(), inMs);
  }

  private work(): void {
    if (this.stopped || this.working) return;
    this.working = this.round()
      .catch((error) => {
        // Whoever was not served is found again by looking.
        this.lookedAt = Date.now();
        this.parts.logger.warn({ err: error }, 'slots are not granted yet, trying again');
      })
      .finally(() => {
        this.working = undefined;
        this.wake(this.due.size > 0 && this.mustReach.size === 0 ? 0 : Math.max(1, this.lookedAt + LOOK_EVERY_MS - Date.now()));
      });
  }

  private async round(): Promise<void> {
    const { database } = this.parts;
    if (!(await this.isLevel())) {
      this.lookedAt = Date.now();
      return;
    }
    if (Date.now() - this.lookedAt >= LOOK_EVERY_MS) {
      this.lookedAt = Date.now();
      await this.send((await expire(database, this.lookedAt, AT_ONCE)).map((one) => commandTo(one, this.lookedAt)));
      for (const name of await queuesDue(database)) this.due.set(`${name.workspaceId} ${name.queue}`, name);
      if (this.lookedAt - this.sweptAt >= SWEEP_EVERY_MS) {
        this.sweptAt = this.lookedAt;
        await sweepAway(database);
      }
    }
    const names = [...this.due.values()];
    this.due.clear();
    for (const name of names) if (!this.stopped) await this.serve(name);
  }

  private async isLevel(): Promise<boolean> {
    if (this.mustReach.size === 0) return true;
    const reached = await offsetsReached(this.parts.database);
    for (const [partition, end] of this.mustReach) if (end === 0 || (reached.get(partition) ?? 0) >= end) this.mustReach.delete(partition);
    return this.mustReach.size === 0;
  }

  private async serve(name: QueueName): Promise<void> {
    for (let more = true; more && !this.stopped; ) {
      const now = Date.now();
      const granted = await grantSlots(this.parts.database, name, now);
      await this.send(duesOf(granted, name).map((one) => commandTo(one, now)));
      ({ more } = granted);
    }
  }

  private async send(commands: readonly ExecutionCommand[]): Promise<void> {
    const { log, onSent } = this.parts;
    const partitions = log.partitions('execution-commands');
    for (let from = 0; from < commands.length; from += SENT_AT_ONCE) {
      const some = commands.slice(from, from + SENT_AT_ONCE);
      const byPartition = Map.groupBy(some, ({ executionId }) => partitionOf(executionId, partitions));
      await log.send(
        [...byPartition].map(([partition, own]) => ({ topic: 'execution-commands', partition, records: own.map((command) => encodeJson(command.executionId, command)) })),
      );
      some.forEach(onSent);
    }
  }
}

const duesOf = ({ admitted, doomed, strategy }: Granted, { workspaceId, queue }: QueueName): Due[] => {
  const common = { workspace_id: workspaceId, queue, ttl_seconds: null };
  return [
    ...admitted.map(({ execution_id, ticket }) => ({ ...common, execution_id, ticket, doom: null })),
    ...doomed.map(({ execution_id, ticket }) => ({ ...common, execution_id, ticket, doom: strategy })),
  ];
};

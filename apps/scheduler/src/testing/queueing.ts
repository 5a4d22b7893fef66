import type { CommandOf, EventData, EventType } from '@runlog/execution';
import { until } from '@runlog/testing';
import type { Bench } from './bench.js';
import { createdData, eventOf } from './events.js';

export interface QueueSettings {
  readonly slots: number | null;
  readonly key_slots: number;
  readonly strategy: 'queue' | 'cancel_running' | 'cancel_newest' | 'round_robin';
  readonly ttl_seconds: number | null;
  readonly paused: boolean;
}

/** Plays people and the engine around the queues of a scheduler: executions come, are admitted, suspended, end. */
export class Queueing {
  private readonly versions = new Map<string, number>();

  constructor(private readonly bench: Bench) {}

  /** What people set. */
  async set(queue: string, settings: Partial<QueueSettings> = {}): Promise<void> {
    const { slots, key_slots, strategy, ttl_seconds, paused } = { slots: 1, key_slots: 1, strategy: 'queue', ttl_seconds: null, paused: false, ...settings };
    await this.bench.database.query(
      `insert into queues (workspace_id, name, slots, key_slots, strategy, ttl_seconds, paused, created_at, updated_at, updated_by) values ('workspace-1', $1, $2, $3, $4, $5, $6, 0, 0, 'user:ada')
       on conflict (workspace_id, name) do update set slots = excluded.slots, key_slots = excluded.key_slots, strategy = excluded.strategy, ttl_seconds = excluded.ttl_seconds, paused = excluded.paused`,
      [queue, slots, key_slots, strategy, ttl_seconds, paused],
    );
  }

  /** Somebody creates it at `at`. */
  async comes(id: string, given: { queue?: string; key?: string | null; priority?: number; ttl?: number | null; at?: number } = {}): Promise<void> {
    const { queue = 'mail', key = null, priority = 0, ttl = null, at = Date.now() } = given;
    await this.happens(id, 'ExecutionCreated', createdData({ queue_name: queue, concurrency_key: key, priority }), at);
    await this.happens(id, 'ExecutionQueued', { queue_name: queue, concurrency_key: key, priority, ttl_seconds: ttl }, at);
  }

  async happens<Type extends EventType>(id: string, type: Type, data: EventData[Type], at = Date.now()): Promise<void> {
    const version = (this.versions.get(id) ?? 0) + 1;
    this.versions.set(id, version);
    await this.bench.record([eventOf(id, version, at, type, data)]);
  }

  /** It was admitted with the ticket that it has now, and starts, or goes on. */
  async admitted(id: string): Promise<void> {
    const ticket = this.versions.get(id) ?? 0;
    await this.bench.command(`admit:${id}:${ticket}`);
    await this.happens(id, ticket === 2 ? 'ExecutionStarted' : 'ExecutionResumed', {});
  }

  ends(id: string): Promise<void> {
    return this.happens(id, 'ExecutionCompleted', { output: null });
  }

  /** Who has been admitted so far, in order. */
  get order(): string[] {
    const admits = this.bench.sent.filter((sent) => sent.command.type === 'AdmitExecution').map(({ command }) => command as CommandOf<'AdmitExecution'>);
    return [...new Map(admits.map(({ id, executionId }) => [id, executionId])).values()];
  }

  /** Rows of the queue as they are. */
  async rows(): Promise<{ held: string[]; waiting: string[] }> {
    const ids = async (table: string) =>
      (await this.bench.database.query<{ execution_id: string }>(`select execution_id from scheduler_${table} order by 1`)).map((row) => row.execution_id);
    return { held: await ids('leases'), waiting: await ids('waiting') };
  }

  /** Everything on the log is in the tables. */
  async settled(): Promise<void> {
    await this.bench.flushed();
  }

  /** These many hold slots and wait, and stay so for as long as a scheduler takes to look twice. */
  async stands(held: readonly string[], waiting: readonly string[]): Promise<void> {
    const wanted = JSON.stringify({ held: [...held].sort(), waiting: [...waiting].sort() });
    let last = '';
    await until('the queues as they should stand', async () => {
      last = JSON.stringify(await this.rows());
      return last === wanted;
    }).catch(() => {
      throw new Error(`Expected ${wanted}, but got ${last}`);
    });
  }
}

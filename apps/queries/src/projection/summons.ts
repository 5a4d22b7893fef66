import type { Logger } from '@runlog/platform';
import type { Database } from '@runlog/read-model';
import type pg from 'pg';

const CHANNEL = 'runlog_awaited';
/** A reader that waits on says so again. */
const CALL_EVERY_MS = 20;
const RECONNECT_MS = 1_000;

/** Between processes of `queries`, over PostgreSQL: who projects a partition is told that a reader elsewhere waits for it. May get lost. */
export class Summons {
  readonly #calledAt = new Map<number, number>();
  #line: pg.PoolClient | undefined;
  #triedAt = Number.NEGATIVE_INFINITY;
  #connecting: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(
    private readonly database: Pick<Database, 'pool' | 'query'>,
    private readonly hurry: (partition: number) => void,
    private readonly logger: Logger,
  ) {}

  call(partition: number): void {
    const now = performance.now();
    if (now < (this.#calledAt.get(partition) ?? Number.NEGATIVE_INFINITY) + CALL_EVERY_MS) return;
    this.#calledAt.set(partition, now);
    // A call that fails costs its reader the rest of the pause, no more; what is wrong with the database shows in the read itself.
    this.database.query('select pg_notify($1, $2)', [CHANNEL, String(partition)], 'summon').catch(() => undefined);
  }

  /** Whether this process hears the calls of others. It begins to listen when this is asked for the first time: a process alone has no need to. */
  get isHeard(): boolean {
    if (!this.#line && !this.#isStopped && performance.now() > this.#triedAt + RECONNECT_MS) {
      this.#triedAt = performance.now();
      this.#connecting = this.#listen().catch((error: unknown) => this.logger.warn({ err: error }, 'cannot hear readers of other processes yet'));
    }
    return this.#line !== undefined;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#connecting;
    if (this.#line) this.#hangUp(this.#line);
  }

  async #listen(): Promise<void> {
    const line = await this.database.pool.connect();
    line.on('error', () => this.#hangUp(line));
    line.on('notification', ({ payload }) => this.hurry(Number(payload)));
    try {
      await line.query(`listen ${CHANNEL}`);
      this.#line = line;
    } catch (error) {
      line.release(true);
      throw error;
    }
  }

  #hangUp(line: pg.PoolClient): void {
    if (this.#line !== line) return;
    this.#line = undefined;
    line.release(true);
  }
}

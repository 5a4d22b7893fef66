import type { Logger } from '@runlog/platform';
import type { Database, Sql } from '@runlog/read-model';

/** Any number that all services agree on. */
const LOCK = 7_095_114_105;
const LONGEST_PERIOD_MS = 60_000;
const AT_ONCE = 200;

/**
 * Frames of executions that ended before `before`, milliseconds UTC, and of ones that nobody knows. Whoever comes later gets the end alone.
 * Resolves with how many rows went.
 */
export const collectFrames = async (sql: Sql, before: number): Promise<number> => {
  for (let removed = 0; ; ) {
    const rows = await sql.query<{ removed: number; executions: number }>(
      `with old as (
         select f.execution_id from execution_frames f where f.at < $1 and not exists (
           select from executions e where e.id = f.execution_id and (e.completed_at is null or e.completed_at >= $1))
         group by f.execution_id limit $2
       ), gone as (
         delete from execution_frames f using old where f.execution_id = old.execution_id returning f.n
       )
       select (select count(*) from gone) as removed, (select count(*) from old) as executions`,
      [before, AT_ONCE],
    );
    removed += rows[0]?.removed ?? 0;
    if ((rows[0]?.executions ?? 0) < AT_ONCE) return removed;
  }
};

/** Collects frames that nobody needs any more, now and then, in one process at a time. */
export class FrameCollector {
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> = Promise.resolve();

  constructor(private readonly parts: { readonly database: Database; readonly keptMs: number; readonly logger: Logger }) {}

  start(): void {
    this.#timer = setInterval(() => this.#turn(), Math.min(this.parts.keptMs, LONGEST_PERIOD_MS)).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#working;
  }

  #turn(): void {
    const { database, keptMs, logger } = this.parts;
    const collect = async (): Promise<void> =>
      database.transaction(async (lock) => {
        const [row] = await lock.query<{ free: boolean }>('select pg_try_advisory_xact_lock($1) as free', [LOCK]);
        if (row?.free) await collectFrames(database, Date.now() - keptMs);
      });
    this.#working = this.#working.then(collect).catch((error: unknown) => logger.warn({ err: error }, 'frames could not be collected this time'));
  }
}

import type { Database } from '@runlog/read-model';

/**
 * Executions whose events broke this projection. Their rows stay as they were before; every other execution goes on. After the repair they
 * are refolded from the log.
 */
export class Quarantine {
  readonly #ids: Set<string>;

  private constructor(
    private readonly database: Database,
    private readonly partition: number,
    ids: Iterable<string>,
  ) {
    this.#ids = new Set(ids);
  }

  static async load(database: Database, partition: number): Promise<Quarantine> {
    const rows = await database.query<{ id: string }>(`select execution_id as id from projection_quarantine where projection = 'executions' and partition = $1`, [partition]);
    return new Quarantine(database, partition, rows.map(({ id }) => id));
  }

  has(executionId: string): boolean {
    return this.#ids.has(executionId);
  }

  get size(): number {
    return this.#ids.size;
  }

  async add(executionId: string, offset: number, cause: unknown): Promise<void> {
    const because = (cause instanceof Error ? cause.message : String(cause)).replaceAll('\0', '').slice(0, 2_000);
    await this.database.query(
      `insert into projection_quarantine (projection, execution_id, partition, "offset", cause, at) values ('executions', $1, $2, $3, $4, $5) on conflict do nothing`,
      [executionId.replaceAll('\0', ''), this.partition, offset, because, Date.now()],
    );
    this.#ids.add(executionId);
  }
}

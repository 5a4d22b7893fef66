import type { Position } from '@runlog/event-log';
import type { Database, Sql } from '@runlog/read-model';

/**
 * Executions of a partition whose events broke this projection. Their rows stay as they were before the batch that did it; every other
 * execution goes on. A process that starts with the repair folds them on from there.
 */
export class Quarantine {
  /** By id, where each one stopped. */
  readonly #offsets: Map<string, number>;

  private constructor(
    private readonly database: Database,
    offsets: ReadonlyMap<string, number>,
    /** Where the earliest of them stopped. */
    readonly since: { readonly offset: number; readonly claim: number } | undefined,
  ) {
    this.#offsets = new Map(offsets);
  }

  static async load(database: Database, partition: number): Promise<Quarantine> {
    const rows = await database.query<{ id: string; offset: number; claim: number }>(
      `select execution_id as id, "offset", claim from projection_quarantine where projection = 'executions' and partition = $1 order by "offset"`,
      [partition],
    );
    return new Quarantine(database, new Map(rows.map(({ id, offset }) => [id, offset])), rows[0]);
  }

  has(executionId: string): boolean {
    return this.#offsets.has(executionId);
  }

  get ids(): readonly string[] {
    return [...this.#offsets.keys()];
  }

  /** Whether the rows of the execution lack what the log has at `offset`. */
  lacks(executionId: string, offset: number): boolean {
    return offset >= (this.#offsets.get(executionId) ?? Number.POSITIVE_INFINITY);
  }

  /** @param from where the batch begins that it broke. */
  async add(executionId: string, from: Position, cause: unknown): Promise<void> {
    const because = (cause instanceof Error ? cause.message : String(cause)).replaceAll('\0', '').slice(0, 2_000);
    await this.database.query(
      `insert into projection_quarantine (projection, execution_id, partition, "offset", claim, cause, at) values ('executions', $1, $2, $3, $4, $5, $6) on conflict do nothing`,
      [executionId.replaceAll('\0', ''), from.partition, from.offset, from.claim, because, Date.now()],
    );
    this.#offsets.set(executionId, from.offset);
  }

  /** In the transaction that makes its rows whole. Call `left` after the commit. */
  async leave(sql: Sql, executionId: string): Promise<void> {
    await sql.query(`delete from projection_quarantine where projection = 'executions' and execution_id = $1`, [executionId]);
  }

  left(executionId: string): void {
    this.#offsets.delete(executionId);
  }
}

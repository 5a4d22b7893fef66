export type Row = Record<string, unknown>;
/** What a statement does to the tables, and the rows it gives. Conditions that fence are read off its text. */
export type Statement = (tables: Tables, values: readonly unknown[], text: string) => Row[];
/** A statement without a name, by how its text begins. */
export type StatementByText = readonly [RegExp, Statement];

/** Everything that the stations keep in the database. Keys are the primary keys, joined by a space. */
export class Tables {
  readonly engine_partitions = new Map<number, Row & { written_under: number }>();
  readonly engine_state = new Map<string, Row>();
  readonly engine_outputs = new Map<string, Map<string, string>>();
  readonly scheduler_progress = new Map<number, Row & { epoch: number }>();
  readonly scheduler_executions = new Map<string, Row>();
  readonly scheduler_timers = new Map<string, Row>();
  readonly scheduler_attempts = new Map<string, Row>();
  readonly scheduler_successions = new Map<string, Row>();
  readonly queues = new Map<string, Row>();
  readonly scheduler_queues = new Map<string, Row>();
  readonly scheduler_queue_keys = new Map<string, Row>();
  readonly scheduler_waiting = new Map<string, Row>();
  readonly scheduler_leases = new Map<string, Row>();
  /** Where a grant broke a limit. */
  readonly overgranted: string[] = [];
  readonly projection_progress = new Map<number, Row>();
  readonly projection_quarantine = new Map<string, Row>();
  readonly executions = new Map<string, Row>();
  readonly execution_nodes = new Map<string, Map<string, Row>>();
  readonly execution_events = new Map<string, Map<number, Row>>();
  readonly gates = new Map<string, Row>();
  readonly body_references = new Map<string, Row>();
  readonly usage_daily = new Map<string, Row>();
  readonly budget_accounts = new Map<string, Row>();
  readonly budget_spending = new Map<string, Row>();
  readonly budget_reservations = new Map<string, Row>();
}

/** As PostgreSQL refuses a second row with the same key. */
export const uniqueViolation = (table: string, key: string): Error =>
  Object.assign(new Error(`duplicate key value violates unique constraint of ${table}: ${key}`), { code: '23505' });

/** The rows with these keys, where there are any. */
export const found = <Key>(rows: ReadonlyMap<Key, Row>, keys: readonly Key[]): Row[] =>
  keys.flatMap((key) => {
    const row = rows.get(key);
    return row ? [row] : [];
  });

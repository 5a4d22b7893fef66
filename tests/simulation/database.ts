import type { Database, Sql } from '@runlog/read-model';
import { budgetLocks, budgetReads, budgetStatements } from './budget-statements.js';
import { engineStatements, engineTexts, takeOverStatements } from './engine-statements.js';
import type { Host } from './host.js';
import { projectionStatements, projectionTexts } from './projection-statements.js';
import { queueLocks, queueReads, queueStatements } from './queue-statements.js';
import { mayFlush, schedulerStatements, schedulerTexts } from './scheduler-statements.js';
import type { Tables } from './tables.js';

type Row = Record<string, unknown>;
const allLocks = { ...queueLocks, ...budgetLocks };
const allReads = new Set([...queueReads, ...budgetReads]);
const texts = [...engineTexts, ...schedulerTexts, ...projectionTexts];

const run = (tables: Tables, text: string, values: readonly unknown[], name: string | undefined): Row[] => {
  const named =
    name === undefined
      ? undefined
      : (engineStatements[name] ?? budgetStatements[name] ?? takeOverStatements[name] ?? schedulerStatements[name] ?? queueStatements[name] ?? projectionStatements[name]);
  const found = named ?? texts.find(([pattern]) => pattern.test(text.trim()))?.[1];
  if (!found) throw new Error(`Expected a statement that the simulation knows, but got '${name ?? text.trim().slice(0, 200)}': teach it in tests/simulation/*-statements.ts`);
  return found(tables, values, text);
};

/** PostgreSQL as all processes share it: statements are atomic, transactions of one lock wait for each other. */
export class Server {
  readonly #queues = new Map<string, (() => void)[]>();

  constructor(
    readonly tables: Tables,
    private readonly onUnknown: (error: Error) => void,
  ) {}

  query(text: string, values: readonly unknown[], name: string | undefined): Row[] {
    if (name === 'queues_sweep') return this.#sweepQueues();
    try {
      return run(this.tables, text, values, name);
    } catch (error) {
      if (!('code' in (error as object))) this.onUnknown(error as Error);
      throw error;
    }
  }

  /** Calls back once nobody else holds the lock. */
  lock(name: string, granted: () => void): void {
    const queue = this.#queues.get(name);
    if (queue) queue.push(granted);
    else {
      this.#queues.set(name, []);
      granted();
    }
  }

  /** Whoever sweeps passes over what is locked. */
  #sweepQueues(): Row[] {
    for (const [id, row] of this.tables.scheduler_queues) if (row.held === 0 && row.waiting === 0 && !this.#queues.has(`queue ${id}`)) this.tables.scheduler_queues.delete(id);
    return [];
  }

  unlock(name: string): void {
    const next = this.#queues.get(name)?.shift();
    if (next) next();
    else this.#queues.delete(name);
  }
}

/** A transaction: it holds the locks of its statements until the end, and what it writes is seen when it commits. */
class Transaction implements Sql {
  readonly #locks = new Set<string>();
  #writes: (() => void)[] = [];
  #isOver = false;

  constructor(
    private readonly host: Host,
    private readonly server: Server,
  ) {
    host.atEnd(() => host.time.after(20, () => this.rollBack(), true));
  }

  query<Answer = Row>(text: string, values: readonly unknown[] = [], name?: string): Promise<Answer[]> {
    return this.host.call<Answer[]>({
      port: 'database',
      serve: (done, failed) => {
        if (this.#isOver) return failed(new Error('the transaction is over'));
        const write = (): void => void this.#writes.push(() => void this.server.query(text, values, name));
        const read = (): void => done(this.server.query(text, values, name) as Answer[]);
        if (name !== undefined && allLocks[name] && text.includes('for update')) return this.#take(allLocks[name](values), read);
        if (name !== undefined && (allReads.has(name) || allLocks[name])) return read();
        if (name === 'scheduler_flush')
          return this.#take([`scheduler_progress ${values[0]}`], () => {
            const flushed = mayFlush(this.server.tables, values, text);
            if (flushed) write();
            done([{ flushed }] as Answer[]);
          });
        if (name !== 'engine_checkpoint') {
          write();
          return done([]);
        }
        this.#take([`engine_partitions ${values[0]}`], () => {
          const held = this.server.tables.engine_partitions.get(values[0] as number);
          const isRefused = /where held\.written_under <= excluded\.written_under/.test(text) && held !== undefined && held.written_under > (values[1] as number);
          if (isRefused) return done([]);
          this.#writes.push(() => {
            this.server.tables.engine_partitions.delete(values[0] as number);
            this.server.query(text, values, name);
          });
          done([{}] as Answer[]);
        });
      },
    });
  }

  /** Calls back once it holds these locks, too. */
  #take([name, ...others]: readonly string[], taken: () => void): void {
    if (name === undefined) return taken();
    if (this.#locks.has(name)) return this.#take(others, taken);
    this.server.lock(name, () => {
      if (this.#isOver) return this.server.unlock(name);
      this.#locks.add(name);
      this.#take(others, taken);
    });
  }

  commit(): Promise<void> {
    return this.host.call<void>({
      port: 'commit',
      serve: (done, failed) => {
        if (this.#isOver) return failed(new Error('the transaction is over'));
        for (const write of this.#writes) write();
        this.rollBack();
        done();
      },
    });
  }

  rollBack(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const name of this.#locks) this.server.unlock(name);
  }
}

/** The database as one process has it: any statement or commit may fail, be lost, or take effect after it was given up. */
export const databaseOf = (host: Host, server: Server): Database => {
  const query = <Answer>(text: string, values: readonly unknown[] = [], name?: string): Promise<Answer[]> =>
    host.call<Answer[]>({
      port: 'database',
      serve: (done, failed) => {
        try {
          done(server.query(text, values, name) as Answer[]);
        } catch (error) {
          failed(error as Error);
        }
      },
    });
  const transaction = async <Result>(work: (sql: Sql) => Promise<Result>): Promise<Result> => {
    const one = new Transaction(host, server);
    let patienceMs = 5;
    try {
      const result = await work(one);
      patienceMs = 3_000; // A commit that is on its way comes to its end, or not, after its connection was given up.
      await one.commit();
      return result;
    } catch (error) {
      host.time.after(patienceMs, () => one.rollBack(), true);
      throw error;
    }
  };
  return { query, transaction } as unknown as Database;
};

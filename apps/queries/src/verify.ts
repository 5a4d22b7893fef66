import type { ArtifactStore } from '@runlog/artifacts';
import { AcceptedEvents, type EventLog, isClaim } from '@runlog/event-log';
import { referencesIn } from '@runlog/execution';
import { type Catalog, type Database, foldView } from '@runlog/read-model';
import { Accounts } from './projection/accounts.js';
import { namesFrom } from './projection/names.js';
import type { NamesOf } from './projection/partition-projection.js';
import { Usage } from './projection/usage.js';
import { compare, type Refolded } from './verify/compare.js';
import type { Drift } from './verify/drift.js';
import { verifyLeases } from './verify/leases-check.js';
import { forgottenReservations } from './verify/reservations-check.js';
import { StoredBodies } from './verify/stored-bodies.js';
import { compareSpending, compareUsage, type Standing, standings } from './verify/usage-check.js';

export interface VerifyOptions {
  readonly log: EventLog;
  readonly database: Database;
  readonly catalog: Catalog;
  /** Where bodies are that events refer to; absent: they are not looked at. */
  readonly artifacts?: ArtifactStore;
  /** Only this workspace's; default: all. */
  readonly workspaceId?: string;
  /** Called every few thousand records and executions: so many executions are compared, so much is wrong so far. */
  readonly onProgress?: (progress: { readonly records: number; readonly checked: number; readonly drift: number }) => void;
  /** One execution in so many, by the random end of its id, and no sums; default: all. */
  readonly oneIn?: number;
  /** How many executions of a partition are held in memory at a time, about; more of them take more passes over the log. */
  readonly mostHeld?: number;
}

export interface Verified {
  readonly checked: number;
  readonly drift: Drift[];
}

const TOPIC = 'execution-events';
const AT_ONCE = 200;
const MOST_HELD = 50_000;

/**
 * Refolds executions from the log and compares canonical JSON hashes with what is stored (invariant I5): every column of every row that the
 * projection writes, the chain of the history, open gates, sums of usage and of spending, reservations, stored bodies; and the slots of queues. Reads each partition up to where the projection stood when the
 * check began, so that it may run on a live system; an execution that has moved on meanwhile is left to the next check.
 */
export const verifyReadModel = async (options: VerifyOptions): Promise<Verified> => {
  const { database, workspaceId, oneIn = 1, mostHeld = MOST_HELD } = options;
  const unexplained = new Set([...(await idsOfRows(database, workspaceId))].filter((id) => passOf(id, oneIn) === 0));
  const partitions = await standings(database, workspaceId);
  const passes = Math.max(1, Math.ceil(unexplained.size / Math.max(1, partitions.length) / mostHeld));
  const check = new Check(options, namesFrom(options.catalog), unexplained);
  for (const standing of partitions) await (oneIn > 1 ? check.sample(standing, oneIn) : check.partition(standing, passes));
  for (const executionId of unexplained) check.drift.push({ executionId, because: 'it has a row, but the log does not know it' });
  check.drift.push(...(await verifyLeases(options.log, database, workspaceId)), ...(await forgottenReservations(database, workspaceId)));
  return { checked: check.checked, drift: check.drift };
};

/** What the events of a partition add up to. */
class Sums {
  readonly usage: Usage;
  readonly accounts: Accounts;

  constructor(partition: number) {
    this.usage = new Usage(partition);
    this.accounts = new Accounts(partition);
  }
}

class Check {
  readonly drift: Drift[] = [];
  checked = 0;
  #records = 0;
  readonly #bodies: StoredBodies | undefined;

  constructor(
    private readonly options: VerifyOptions,
    private readonly namesOf: NamesOf,
    private readonly unexplained: Set<string>,
  ) {
    this.#bodies = options.artifacts && new StoredBodies(options.artifacts);
  }

  async partition(standing: Standing, passes: number): Promise<void> {
    const sums = new Sums(standing.partition);
    const before = this.drift.length;
    for (let pass = 0; pass < passes; pass++) await this.#pass(standing, sums, (id) => passOf(id, passes) === pass);
    // An execution that stands still in quarantine is not in the sums either.
    if (this.drift.length === before) this.drift.push(...compareUsage(sums.usage, standing), ...compareSpending(sums.accounts, standing));
  }

  async sample(standing: Standing, oneIn: number): Promise<void> {
    await this.#pass(standing, new Sums(standing.partition), (id) => passOf(id, oneIn) === 0);
  }

  /** The log once, and those executions of it that `isDue` says. */
  async #pass({ partition, offset }: Standing, { usage, accounts }: Sums, isDue: (id: string) => boolean): Promise<void> {
    const { log, database, workspaceId } = this.options;
    const refolded = new Map<string, Refolded>();
    const broken = new Map<string, string>();
    const accepting = new AcceptedEvents();
    for await (const records of log.read(TOPIC, partition, await log.begin(TOPIC, partition), offset)) {
      for (const record of records) {
        if (!isClaim(record) && (broken.has(record.key) || !isDue(record.key))) continue;
        try {
          const event = accepting.accept(record)?.event;
          if (!event || (workspaceId !== undefined && event.workspaceId !== workspaceId)) continue;
          const known = refolded.get(event.executionId);
          const names = await this.namesOf(known?.view.workflow_version_id ?? (event.type === 'ExecutionCreated' ? event.data.workflow_version_id : ''));
          const counted = usage.before(known?.view, event);
          const spent = accounts.spentBy(known?.view, event);
          const view = foldView(known?.view, event, names);
          usage.after(counted, view, event, names);
          accounts.after(spent, view, event);
          const digests = referencesIn(event).map(({ digest }) => digest);
          if (known) known.ids.push(event.id);
          else refolded.set(event.executionId, { view, ids: [event.id], digests: new Set() });
          for (const digest of digests) refolded.get(event.executionId)?.digests.add(digest);
          if (this.#bodies && digests.length > 0) this.drift.push(...(await this.#bodies.check(event)));
        } catch (cause) {
          broken.set(record.key, cause instanceof Error ? cause.message : String(cause));
          refolded.delete(record.key);
        }
      }
      this.#tell(records.length);
    }
    for (const [executionId, because] of broken) this.drift.push({ executionId, because });
    this.checked += broken.size;
    const ids = [...refolded.keys()];
    for (const id of [...ids, ...broken.keys()]) this.unexplained.delete(id);
    for (let i = 0; i < ids.length; i += AT_ONCE) {
      const some = ids.slice(i, i + AT_ONCE);
      this.drift.push(...(await compare(database, some, refolded)));
      this.checked += some.length;
      this.#tell(0);
    }
  }

  #tell(records: number): void {
    this.#records += records;
    this.options.onProgress?.({ records: this.#records, checked: this.checked, drift: this.drift.length });
  }
}

/** By the random end of the id. */
const passOf = (id: string, passes: number): number => (Number.parseInt(id.slice(-6), 16) || 0) % passes;

/** Looked up before the log is read: whatever has a row by then must be on the log. */
const idsOfRows = async (database: Database, workspaceId: string | undefined): Promise<Set<string>> => {
  const rows = await database.query<{ id: string }>('select id from executions where $1::uuid is null or workspace_id = $1', [workspaceId ?? null]);
  return new Set(rows.map(({ id }) => id));
};

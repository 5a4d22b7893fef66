import { AcceptedEvents, breathe, breatheIn, deadLetter, type EventLog, type LogRecord, positionAfter, UndecodableRecord } from '@runlog/event-log';
import type { Logger } from '@runlog/platform';
import { type Database, type NodeNames, VersionGap } from '@runlog/read-model';
import { Changes, Poison } from './changes.js';
import { LiveViews } from './live-views.js';
import { breaksOnData, culprits, type Occurrence } from './poison.js';
import { type StoredPosition, storedPosition } from './position-store.js';
import { Quarantine } from './quarantine.js';
import { writeChanges } from './write-changes.js';

/** What the fold needs of a definition, by version id. */
export type NamesOf = (versionId: string) => Promise<NodeNames>;

/** The projection of one partition of execution-events, held by one process at a time; the compare-and-set of the progress enforces it. */
export class PartitionProjection {
  readonly #views: LiveViews;

  constructor(
    private readonly database: Database,
    private readonly log: Pick<EventLog, 'read' | 'send' | 'partitions'>,
    private readonly logger: Logger,
    private readonly namesOf: NamesOf,
    private quarantine: Quarantine,
    private position: StoredPosition,
  ) {
    this.#views = new LiveViews(database);
  }

  /** Projects a batch, or what is left of it. Rejects with nothing written when the database is away. @throws VersionGap */
  async project(records: readonly LogRecord[]): Promise<StoredPosition> {
    for (;;) {
      const due = records.filter(({ offset }) => offset >= this.position.offset);
      const last = due.at(-1);
      if (!last) return this.position;
      breatheIn();
      const accepting = new AcceptedEvents(this.position.claim);
      const events = await this.#accept(due, accepting);
      try {
        const changes = await this.#fold(events);
        const reached = { ...positionAfter(last, this.position.topicId, accepting.claim), generation: this.position.generation };
        if (await writeChanges(this.database, changes, this.position, reached)) {
          this.#views.written(changes.touched.values());
          this.position = reached;
          return reached;
        }
        await this.#lostTheRace();
      } catch (cause) {
        for (const { event } of events) this.#views.forget(event.executionId);
        await this.#isolate(cause, events);
      }
    }
  }

  /** Folds quarantined executions on from where they stopped, now that the code may know better. Before the first batch. */
  async repair(): Promise<void> {
    const { since } = this.quarantine;
    if (!since) return;
    const missed = new Map<string, Occurrence[]>(this.quarantine.ids.map((id) => [id, []]));
    const accepting = new AcceptedEvents(since.claim);
    for await (const records of this.log.read('execution-events', this.position.partition, since.offset, this.position.offset)) {
      for (const record of records) {
        const one = acceptedOf(record, accepting);
        if (one && this.quarantine.lacks(one.event.executionId, record.offset)) missed.get(one.event.executionId)?.push(one);
      }
    }
    for (const [executionId, events] of missed) await this.#repairOne(executionId, events);
  }

  async #repairOne(executionId: string, events: readonly Occurrence[]): Promise<void> {
    try {
      const changes = await this.#fold(events);
      await this.database.transaction(async (sql) => {
        if (!(await writeChanges(sql, changes, this.position, this.position))) throw new Error('somebody else moved the progress');
        await this.quarantine.leave(sql, executionId);
      });
      this.quarantine.left(executionId);
      this.#views.written(changes.touched.values());
      this.logger.info({ executionId, events: changes.touched.get(executionId)?.events.length }, 'execution folded on and out of quarantine');
    } catch (cause) {
      this.#views.forget(executionId);
      this.logger.warn({ err: cause, executionId }, 'execution stays in quarantine');
    }
  }

  /** The events that count. An undecodable record goes to the dead letters; if it counts, its execution goes into quarantine: what follows lacks it. */
  async #accept(records: readonly LogRecord[], accepting: AcceptedEvents): Promise<Occurrence[]> {
    const accepted: Occurrence[] = [];
    for (const record of records) {
      try {
        const one = accepting.accept(record);
        if (one && !this.quarantine.has(one.event.executionId)) accepted.push(one);
      } catch (cause) {
        if (!(cause instanceof UndecodableRecord)) throw cause;
        if (this.quarantine.has(record.key)) continue;
        this.logger.error({ err: cause, executionId: record.key }, 'undecodable event: dead-lettered');
        await deadLetter(this.log, record, cause);
        if (record.headers.ce_claim === String(accepting.claim)) await this.quarantine.add(record.key, this.position, cause);
      }
    }
    return accepted;
  }

  async #fold(events: readonly Occurrence[]): Promise<Changes> {
    const wanted = new Set<string>();
    const born = new Set<string>();
    for (const { event, record } of events) {
      if (born.has(event.executionId) || wanted.has(event.executionId)) continue;
      if (!isUuid(event.executionId)) throw new Poison(event.executionId, record.offset, new Error('its id is not a UUID'));
      (event.type === 'ExecutionCreated' ? born : wanted).add(event.executionId);
    }
    await this.#views.load(wanted);
    const changes = new Changes(this.position.partition);
    const namesOf = new Map<string, NodeNames>();
    for (const { event, record } of events) {
      const view = changes.touched.get(event.executionId)?.view ?? this.#views.get(event.executionId);
      const versionId = view?.workflow_version_id ?? (event.type === 'ExecutionCreated' ? event.data.workflow_version_id : '');
      let names = namesOf.get(versionId);
      if (!names) namesOf.set(versionId, (names = await this.namesOf(versionId)));
      const others = breathe();
      if (others) await others;
      try {
        changes.fold(view, event, names);
      } catch (cause) {
        throw cause instanceof VersionGap ? cause : new Poison(event.executionId, record.offset, cause);
      }
    }
    return changes;
  }

  /** Quarantines whoever is to blame; passes everything else on, to be tried again or to stop the partition. */
  async #isolate(cause: unknown, events: readonly Occurrence[]): Promise<void> {
    const poisoned = cause instanceof Poison ? [cause] : breaksOnData(cause) ? await culprits(this.database, this.position, events, (some) => this.#fold(some)) : [];
    for (const { event } of events) this.#views.forget(event.executionId);
    if (poisoned.length === 0) throw cause;
    for (const poison of poisoned) {
      this.logger.error({ err: poison, executionId: poison.executionId, offset: poison.offset }, 'an event broke the projection: execution quarantined');
      await this.quarantine.add(poison.executionId, this.position, poison);
    }
  }

  /** Whoever moved the progress, or swapped the rows for rebuilt ones, may have mended or quarantined executions too. */
  async #lostTheRace(): Promise<void> {
    this.#views.clear();
    this.quarantine = await Quarantine.load(this.database, this.position.partition);
    const stored = await storedPosition(this.database, 'executions', this.position.partition);
    if (!stored) throw new Error(`Expected stored progress of partition ${this.position.partition}, but it is gone; start again to read from the beginning`);
    if (stored.topicId !== this.position.topicId) throw new Error(`Expected progress of topic ${this.position.topicId}, but it is for ${stored.topicId} now`);
    this.logger.warn(
      { partition: stored.partition, ours: this.position.offset, stored: stored.offset },
      'somebody else moved the progress or swapped the rows: going on from there',
    );
    this.position = stored;
  }
}

/** null: a claim, a void event, or one that nobody can read. */
const acceptedOf = (record: LogRecord, accepting: AcceptedEvents): Occurrence | null => {
  try {
    return accepting.accept(record);
  } catch (cause) {
    if (cause instanceof UndecodableRecord) return null;
    throw cause;
  }
};

const isUuid = (id: string): boolean => /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(id);

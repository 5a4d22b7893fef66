import { AcceptedEvents, type Batch, checkProgress, decodeOrDeadLetter, type EventLog, encodeJson, type LogRecord, partitionOf, positionAfter } from '@runlog/event-log';
import type { ExecutionCommand, RunnerId } from '@runlog/execution';
import type { Logger } from '@runlog/platform';
import { Book, UNSTARTED_MS } from './book.js';
import { failAdmission } from './commands.js';
import { dueReminders, dueTimers, silentRunners } from './due.js';
import { Lane } from './lane.js';
import type { NodeTimeouts } from './node-timeouts.js';
import type { Admissions } from './queues/admissions.js';
import { queuesOf } from './queues/standings-sql.js';
import type { Runners } from './runners.js';
import type { SchedulerStore } from './store.js';
import type { Successions } from './successions.js';

/** How far ahead timers are in memory. */
const HORIZON_MS = 15_000;
const LOOK_AHEAD_EVERY_MS = 5000;
/** An execution at rest for so long leaves the memory; sooner when there are many. */
const REST_MS = 10_000;
const MANY = 20_000;
/** Most attempts and executions end within this: they are then never written. */
const FLUSH_MS = 1000;
/** While a succession waits for what it rests on to be written. */
const SUCCESSION_FLUSH_MS = 250;
const RETRY_MS = 1000;
const TICK_MS = 100;
const COMMANDS_A_TICK = 2000;
const COMMANDS_A_SEND = 1000;
const LOAD_AT_ONCE = 5000;
const REMIND_EVERY_MS = 5000;
/** Where somebody waited for a slot or a successor, the next one does so soon. */
const AWAITED_FOR_MS = 1000;

export interface PartitionDeps {
  readonly log: EventLog;
  readonly store: SchedulerStore;
  readonly timeouts: NodeTimeouts;
  readonly runners: Runners;
  readonly successions: Successions;
  readonly admissions: Pick<Admissions, 'reach' | 'changed' | 'remind'>;
  readonly logger: Logger;
  /** Told of every command that is on the log. */
  readonly onSent: (command: ExecutionCommand) => void;
}

/**
 * One partition of `execution-events`, from grant to revocation: reads, keeps the book, writes it behind, and sends what falls due.
 * Nothing is sent before reading has reached the end that the log had when the partition was opened.
 */
export class PartitionScheduler {
  private book: Book | undefined;
  private caughtUpAt: number | null = null;
  private catchUpTo = 0;
  private end = 0;
  private lookedAheadAt = 0;
  private flushedAt = 0;
  private flushedOffset = -1;
  private flushing: Promise<void> | undefined;
  private sending = false;
  private succeeding = false;
  private reminding = false;
  private remindedAt = 0;
  private silencesSeen = 0;
  private awaitedAt = Number.NEGATIVE_INFINITY;
  private stopped = false;
  private timer: NodeJS.Timeout | undefined;
  private readonly lane = new Lane();
  private readonly lostAt = new Map<RunnerId, number>();

  constructor(
    readonly partition: number,
    private readonly deps: PartitionDeps,
  ) {}

  /** Resolves with the next offset to read. @throws ProgressMismatch */
  async open(): Promise<number> {
    const { log, store, runners, successions, admissions } = this.deps;
    const { epoch, position } = await store.open(this.partition, await log.topicId('execution-events'));
    await checkProgress(log, position);
    const book = new Book(this.partition, epoch, position, (runner) => runners.expect(runner));
    this.catchUpTo = await log.end('execution-events', this.partition);
    this.end = this.catchUpTo;
    admissions.reach(this.partition, this.catchUpTo);
    this.remindedAt = 0;
    this.caughtUpAt = null;
    this.flushedOffset = position.offset;
    await this.load(book, await store.withOpenAttempts(this.partition));
    await successions.load();
    await this.lookAhead(book, Date.now());
    // Not before all is loaded: where that fails, whoever comes next opens it once more.
    this.book = book;
    this.noticeCaughtUp(book);
    this.wake(0);
    return position.offset;
  }

  handle(batch: Batch): Promise<void> {
    return this.lane.run(async () => {
      if (this.stopped) return;
      if (!this.book) await this.open();
      const book = this.book as Book;
      await this.readUpTo(book, batch.records[0]?.offset ?? 0);
      await this.read(book, batch.records);
      this.end = Math.max(batch.end, book.position.offset);
      this.noticeCaughtUp(book);
      if (book.unsavedSize > MANY) await this.flush();
      this.wake(0);
    });
  }

  /** Writes what is not written yet and stops. Rejects when the database does not take it: it is read again from the log then. */
  async stop(): Promise<void> {
    this.drop();
    await this.lane.idle();
    // What it could not write the next one writes, or says why not.
    await this.flushing?.catch(() => undefined);
    await this.flush();
  }

  /** Stops at once; what is not written is read again by whoever comes next. */
  drop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  get isCaughtUp(): boolean {
    return this.caughtUpAt !== null;
  }

  /** Executions wait for what is read here, or did a moment ago: slots of queues, successors. Everything else falls due by timers. */
  get isAwaited(): boolean {
    return Date.now() - this.awaitedAt < AWAITED_FOR_MS;
  }

  describe() {
    const { book } = this;
    return {
      partition: this.partition,
      offset: book?.position.offset ?? 0,
      lag: book ? Math.max(0, this.end - book.position.offset) : 0,
      caughtUp: this.isCaughtUp,
      executions: book?.size ?? 0,
      timersDueSoon: book?.timers.size ?? 0,
      startedAttempts: book ? [...book.busy.values()].reduce((sum, n) => sum + n, 0) : 0,
    };
  }

  private async readUpTo(book: Book, offset: number): Promise<void> {
    if (book.position.offset >= offset) return;
    for await (const records of this.deps.log.read('execution-events', this.partition, book.position.offset, offset)) await this.read(book, records);
  }

  /**
   * Somebody else had the partition meanwhile. Where it is ours again nobody says so, and the next batch may be hours away; where it is
   * not, the group is about to say that.
   */
  private reopen(): void {
    const again = async (): Promise<void> => {
      if (this.stopped || this.book) return;
      await this.open();
      const book = this.book as unknown as Book;
      await this.readUpTo(book, this.catchUpTo);
      this.noticeCaughtUp(book);
    };
    this.lane.run(again).catch((error) => {
      this.deps.logger.warn({ err: error, partition: this.partition }, 'the partition is not open yet, trying again');
      this.book = undefined;
      this.reopenLater();
    });
  }

  private reopenLater(): void {
    clearTimeout(this.timer);
    if (!this.stopped) this.timer = setTimeout(() => this.reopen(), RETRY_MS);
  }

  /** Folds the records not folded yet. All that can fail comes first, so that a batch handed over again finds the book as it was. */
  private async read(book: Book, batch: readonly LogRecord[]): Promise<void> {
    const records = batch.filter(({ offset }) => offset >= book.position.offset);
    const last = records.at(-1);
    if (!last) return;
    const { log, timeouts, successions } = this.deps;
    const claims = new AcceptedEvents(book.position.claim);
    const accepted = await decodeOrDeadLetter(log, records, (record) => claims.accept(record));
    const events = accepted.flatMap((one) => one?.event ?? []);
    await timeouts.load(events.flatMap((event) => (event.type === 'ExecutionCreated' ? event.data.workflow_version_id : [])));
    const born = new Set(events.flatMap((event) => (event.version === 1 ? event.executionId : [])));
    await this.load(
      book,
      [...new Set(events.map(({ executionId }) => executionId))].filter((id) => !born.has(id)),
    );
    const now = Date.now();
    for (const one of accepted) {
      if (!one) continue;
      const { event, record } = one;
      successions.fold(event, record.offset);
      // The only event after an end: nothing of the execution is watched any more.
      if (event.type !== 'ExecutionSuperseded') book.fold(event, timeouts, now);
    }
    book.position = positionAfter(last, book.position.topicId, claims.claim);
    if (book.isAwaited || successions.size > 0) this.awaitedAt = now;
  }

  private async load(book: Book, ids: readonly string[]): Promise<void> {
    const { store, timeouts } = this.deps;
    const unknown = ids.filter((id) => !book.knows(id));
    for (let from = 0; from < unknown.length; from += LOAD_AT_ONCE) {
      const stored = await store.load(this.partition, unknown.slice(from, from + LOAD_AT_ONCE));
      await timeouts.load(stored.flatMap(({ workflowVersionId }) => workflowVersionId ?? []));
      const now = Date.now();
      for (const one of stored) book.restore(one, timeouts, now);
    }
  }

  /** Brings timers that fall due soon into memory, and lets go of what is at rest. */
  private async lookAhead(book: Book, now: number): Promise<void> {
    this.lookedAheadAt = now;
    if (book.timers.size < MANY) {
      const { ids, until } = await this.deps.store.due(this.partition, book.dueUntil, now + HORIZON_MS, MANY);
      await this.load(book, ids);
      book.extendHorizon(until);
    }
    if (!this.flushing) book.evict(book.size > MANY ? now : now - REST_MS);
  }

  private noticeCaughtUp(book: Book): void {
    if (this.caughtUpAt !== null || book.position.offset < this.catchUpTo) return;
    this.caughtUpAt = Date.now();
    this.deps.runners.beginWaiting();
    this.deps.logger.info({ partition: this.partition, offset: book.position.offset }, 'caught up');
  }

  private wake(inMs: number): void {
    if (this.stopped) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tick(), inMs);
  }

  private tick(): void {
    const { book } = this;
    if (!book || this.stopped) return;
    const now = Date.now();
    this.sendDue(book, now);
    this.sendSuccessions(now);
    this.remindQueued(now);
    const wait = book.isAwaited ? 0 : this.deps.successions.size > 0 ? SUCCESSION_FLUSH_MS : FLUSH_MS;
    if (!this.flushing && now - this.flushedAt >= wait && (book.unsavedSize > 0 || book.position.offset > this.flushedOffset))
      void this.flush().catch((error) => this.retryLater(error));
    if (now - this.lookedAheadAt >= LOOK_AHEAD_EVERY_MS) {
      this.lookedAheadAt = now;
      void this.lane.run(async () => this.book === book && this.lookAhead(book, Date.now())).catch((error) => this.retryLater(error));
    }
    const next = this.caughtUpAt === null || this.sending ? undefined : book.timers.next;
    this.wake(Math.max(1, Math.min(TICK_MS, (next ?? Number.POSITIVE_INFINITY) - now)));
  }

  private sendDue(book: Book, now: number): void {
    if (this.caughtUpAt === null || this.sending) return;
    const { runners, logger } = this.deps;
    if (runners.silences !== this.silencesSeen) {
      this.silencesSeen = runners.silences;
      book.remindAfresh(now);
    }
    const timers = dueTimers(book, now, COMMANDS_A_TICK);
    const reminders = now - this.caughtUpAt < UNSTARTED_MS ? [] : dueReminders(book, runners, now, COMMANDS_A_TICK);
    const failures = book.takeInadmissible().map((standing) => failAdmission(standing, now));
    const commands = [...timers, ...reminders, ...failures, ...silentRunners(book, runners, this.lostAt, now)];
    if (commands.length === 0) return;
    this.sending = true;
    this.send(commands)
      .catch((error) => logger.warn({ err: error, partition: this.partition, commands: commands.length }, 'commands not sent, they are sent again'))
      .finally(() => {
        this.sending = false;
        this.wake(0);
      });
  }

  private sendSuccessions(now: number): void {
    const { successions, log, logger } = this.deps;
    if (this.caughtUpAt === null || this.succeeding || successions.size === 0) return;
    this.succeeding = true;
    const partitions = log.partitions('execution-commands');
    const send = async (): Promise<void> => {
      for (const command of await successions.due(now, this.flushedOffset)) {
        await log.send([{ topic: 'execution-commands', partition: partitionOf(command.executionId, partitions), records: [encodeJson(command.executionId, command)] }]);
        this.deps.onSent(command);
      }
    };
    send()
      .catch((error) => logger.warn({ err: error, partition: this.partition }, 'successors not sent, they are sent again'))
      .finally(() => {
        this.succeeding = false;
      });
  }

  /** The first time whatever has no answer: whoever had the partition before may not have got it out. */
  private remindQueued(now: number): void {
    if (this.caughtUpAt === null || this.reminding || now - this.remindedAt < REMIND_EVERY_MS) return;
    const isFirst = this.remindedAt === 0;
    this.remindedAt = now;
    this.reminding = true;
    this.deps.admissions
      .remind(this.partition, isFirst ? 0 : undefined)
      .catch((error) => this.deps.logger.warn({ err: error, partition: this.partition }, 'admissions not sent again yet'))
      .finally(() => {
        this.reminding = false;
      });
  }

  private async send(commands: readonly ExecutionCommand[]): Promise<void> {
    for (let from = 0; from < commands.length; from += COMMANDS_A_SEND) {
      const some = commands.slice(from, from + COMMANDS_A_SEND);
      await this.deps.log.send([{ topic: 'execution-commands', partition: this.partition, records: some.map((command) => encodeJson(command.executionId, command)) }]);
      some.forEach(this.deps.onSent);
    }
  }

  /** One flush at a time; a second call waits for the first and then writes what came after it. */
  private async flush(): Promise<void> {
    while (this.flushing) await this.flushing;
    this.flushing = this.flushOnce().finally(() => {
      this.flushing = undefined;
    });
    return this.flushing;
  }

  private async flushOnce(): Promise<void> {
    const { book } = this;
    this.flushedAt = Date.now();
    if (!book) return;
    const { position } = book;
    const taken = book.take();
    let isMine: boolean;
    try {
      await this.deps.successions.save();
      isMine = await this.deps.store.flush(book.epoch, position, taken.changes);
    } catch (error) {
      taken.failed();
      throw error;
    }
    taken.saved();
    this.flushedOffset = position.offset;
    if (isMine && taken.changes.standings.length > 0) {
      this.deps.admissions.changed(queuesOf(taken.changes.standings));
      this.wake(0);
    }
    if (isMine || this.book !== book) return;
    this.deps.logger.warn({ partition: this.partition }, 'another scheduler has taken the partition over');
    this.book = undefined;
    this.caughtUpAt = null;
    this.reopenLater();
  }

  private retryLater(error: unknown): void {
    this.flushedAt = Date.now() + RETRY_MS;
    this.deps.logger.warn({ err: error, partition: this.partition }, 'the database did not answer, trying again');
  }
}

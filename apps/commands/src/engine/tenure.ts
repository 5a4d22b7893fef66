import type { Bodies } from '@runlog/artifacts';
import { breathe, breatheIn, deadLetter, type EventLog, type LogRecord, type OwnedPartition, UndecodableRecord } from '@runlog/event-log';
import type { ExecutionId, WorkflowVersionId } from '@runlog/execution';
import type { Logger } from '@runlog/platform';
import type { Database } from '@runlog/read-model';
import { maySpend, release, withAccounts } from './accounts.js';
import { type Checkpoint, forgetOldStates, loadCheckpoint } from './checkpoint.js';
import { Decider, type Received } from './decision.js';
import { Doorbell } from './doorbell.js';
import { MemoryLost } from './halted.js';
import { mayInherit, withInherited } from './inherited-effects.js';
import { commandIn } from './intake.js';
import { KnownIds } from './known-ids.js';
import { Loading } from './loading.js';
import { Outbox } from './outbox.js';
import { Recovery } from './recovery.js';
import { withBodies } from './referred-bodies.js';
import { type ResidentLimits, Residents } from './residents.js';
import { retrying } from './retrying.js';
import { fetchReused } from './reused-outputs.js';
import { StateStore } from './state-store.js';
import { StoredBodies } from './stored-bodies.js';
import type { Workflows } from './workflows.js';
import { WriteBehind } from './write-behind.js';

export interface TenureParts {
  readonly owned: OwnedPartition;
  readonly log: EventLog;
  readonly database: Database;
  readonly workflows: Workflows;
  readonly bodies: Bodies;
  readonly logger: Logger;
  readonly limits: ResidentLimits;
  /** Nodes that may follow the first one in a task, at most. */
  readonly legs: number;
  readonly topics: { readonly events: string; readonly commands: string };
  /** Command offsets on which deciding broke off before, and why. Outlives the tenure. */
  readonly broken: Map<number, unknown>;
}

/** Where a partition stands; -1 for an offset that is not known yet. */
export interface Standing {
  readonly partition: number;
  /** `claiming`, `reading`, `ready`, or why it halted. */
  readonly state: string;
  readonly ready: boolean;
  readonly claim: number;
  readonly nextEvent: number;
  readonly nextCommand: number;
  readonly live: number;
  readonly unstored: number;
}

const commandsAtOnce = 500;
/** Bodies are stored elsewhere long before this: it is for whatever else makes an event large. Headers and framing come on top. */
const largestEventBytes = 901 * 1024;

/** More than its execution and workflow is needed to decide it, or may be. */
const needsMore = ({ command }: Received): boolean => {
  switch (command.type) {
    case 'StartNode':
      return false;
    case 'CompleteNode':
      return command.outputRef !== undefined || command.records !== undefined;
    case 'CreateExecution':
      return command.created.input_ref !== undefined || command.reuse !== undefined || mayInherit(command);
    default:
      return true;
  }
};

/** One owner's time on a partition, from its claim until the claim or the memory that rests on it is lost. */
export class Tenure {
  readonly #bell = new Doorbell();
  readonly #residents: Residents;
  readonly #store: StateStore;
  readonly #loading: Loading;
  readonly #writeBehind: WriteBehind;
  readonly #stored: StoredBodies;
  #known = new KnownIds('');
  #outbox: Outbox | undefined;
  #nextCommand = 0;
  #continuing = false;
  #ready = false;

  constructor(
    private readonly parts: TenureParts,
    readonly claim: number,
  ) {
    const { database, owned, topics, limits, workflows, bodies, logger } = parts;
    this.#residents = new Residents(limits);
    this.#stored = new StoredBodies(bodies, owned.signal, logger);
    this.#store = new StateStore(database, owned.partition, topics);
    this.#loading = new Loading(this.#store, this.#residents, workflows, owned.partition);
    this.#writeBehind = new WriteBehind(this.#store, this.#residents, claim, logger, () => this.#bell.ring());
  }

  standing(): Standing {
    const { partition } = this.parts.owned;
    const state = this.#ready ? 'ready' : 'reading';
    const nextEvent = this.#outbox?.acknowledged.nextEvent ?? -1;
    return { partition, state, ready: this.#ready, claim: this.claim, nextEvent, nextCommand: this.#nextCommand, live: this.#residents.size, unstored: this.#residents.dirtyCount };
  }

  /** Reads up to the claim, then decides commands until the partition is revoked. */
  async run(): Promise<void> {
    const { owned, log, database, workflows, legs, logger } = this.parts;
    const { signal, partition } = owned;
    await retrying(() => forgetOldStates(database, partition), 'checkpoint', signal, logger);
    const stored = await retrying(() => loadCheckpoint(database, log, partition), 'checkpoint', signal, logger);
    this.#known = new KnownIds(stored.newest);
    const { claim } = this;
    const recovery = new Recovery({
      owned,
      log,
      database,
      claim,
      workflows,
      legs,
      logger,
      stored: this.#stored,
      residents: this.#residents,
      known: this.#known,
      loading: this.#loading,
      writeBehind: this.#writeBehind,
    });
    const point = await recovery.run(stored);
    const begin = await log.begin('execution-commands', partition);
    if (point.nextCommand > 0 && begin > point.nextCommand) logger.warn({ partition, begin, nextCommand: point.nextCommand }, 'commands have expired before they were read');
    this.#nextCommand = Math.max(point.nextCommand, begin);
    this.#continuing = point.continuing;
    this.#outbox = new Outbox(owned, log, { nextEvent: point.nextEvent, previous: point.previous }, () => this.#bell.ring());
    this.#ready = true;
    logger.info({ partition, claim, from: stored.nextEvent, command: this.#nextCommand, live: this.#residents.size }, 'partition is ready');
    const ring = () => this.#bell.ring();
    signal.addEventListener('abort', ring);
    try {
      await this.#consume(this.#outbox);
    } finally {
      signal.removeEventListener('abort', ring);
    }
  }

  /** What is in flight comes to its end; nothing new begins. If memory is exactly what the log has (`orderly`: as far as the caller knows), it is stored. */
  async close(orderly: boolean): Promise<void> {
    this.#ready = false;
    const isLevel = await this.#outbox?.close();
    await this.#writeBehind.finished();
    if (!orderly || !isLevel || !this.#outbox || this.#residents.dirtyCount === 0) return;
    await this.#writeBehind.flush(this.#point(this.#outbox));
    await this.#writeBehind.finished();
  }

  async #consume(outbox: Outbox): Promise<void> {
    const { owned, workflows, legs, logger } = this.parts;
    const decider = new Decider(
      {
        claim: this.claim,
        outbox,
        legs,
        residents: this.#residents,
        known: this.#known,
        stored: this.#stored,
        release: (reservations) => release(reservations, this.parts.database),
        maxEventBytes: Math.min(largestEventBytes, this.parts.log.maxRecordBytes - 8_192),
      },
      workflows,
      owned.partition,
      logger,
    );
    const source = owned.commands(this.#nextCommand)[Symbol.asyncIterator]();
    const arrived: (readonly LogRecord[])[] = [];
    let end: { readonly error?: unknown } | undefined;
    const pull = (): void => {
      source.next().then(
        (step) => {
          if (step.done) end = {};
          else arrived.push(step.value);
          this.#bell.ring();
        },
        (error: unknown) => {
          end = { error };
          this.#bell.ring();
        },
      );
    };
    pull();
    try {
      while (!owned.signal.aborted) {
        outbox.check();
        this.#writeBehind.release();
        const isPressed = this.#writeBehind.isPressed;
        const records = isPressed ? undefined : arrived.shift();
        if (records) {
          pull();
          breatheIn();
          for (let from = 0; from < records.length; from += commandsAtOnce) await this.#carryOut(records.slice(from, from + commandsAtOnce), decider, outbox);
        } else if (end && arrived.length === 0) {
          if (owned.signal.aborted) return;
          throw end.error ?? new MemoryLost('the commands ended although the partition is still owned');
        }
        const waitMs = this.#writeBehind.dueIn;
        if (waitMs === 0) {
          await outbox.drained();
          await this.#writeBehind.flush(this.#point(outbox));
        } else if (arrived.length === 0 || isPressed) await this.#rest(waitMs);
      }
    } finally {
      // Another tenure may read on: the log need not keep anything for this one.
      source.return?.(undefined)?.catch(() => undefined);
    }
  }

  async #rest(waitMs: number | undefined): Promise<void> {
    const timer = waitMs === undefined ? undefined : setTimeout(() => this.#bell.ring(), waitMs);
    await this.#bell.wait();
    clearTimeout(timer);
  }

  async #carryOut(records: readonly LogRecord[], decider: Decider, outbox: Outbox): Promise<void> {
    const { owned, broken } = this.parts;
    const { received, undecodable } = this.#decode(records);
    for (const error of undecodable) await this.#bury(error);
    const brought = this.#bring(received);
    if (brought) await brought;
    for (const one of received.some(needsMore) ? await this.#complete(received) : received) {
      const others = breathe();
      if (others) await others;
      if (owned.signal.aborted) return;
      const continuing = this.#continuing && one.offset === this.#nextCommand;
      if (broken.has(one.offset)) await decider.fault(one, broken.get(one.offset));
      else await decider.carryOut(one, continuing);
      this.#nextCommand = one.offset + 1;
      this.#continuing = false;
    }
    this.#nextCommand = (records.at(-1)?.offset ?? this.#nextCommand - 1) + 1;
    outbox.flush();
  }

  #decode(records: readonly LogRecord[]): { readonly received: readonly Received[]; readonly undecodable: readonly UndecodableRecord[] } {
    const partitions = this.parts.log.partitions('execution-commands');
    const received: Received[] = [];
    const undecodable: UndecodableRecord[] = [];
    for (const record of records)
      try {
        received.push({ command: commandIn(record, partitions), offset: record.offset });
      } catch (error) {
        if (!(error instanceof UndecodableRecord)) throw error;
        undecodable.push(error);
      }
    return { received, undecodable };
  }

  async #bury(error: UndecodableRecord): Promise<void> {
    const { log, owned, logger } = this.parts;
    const { because, record } = error;
    logger.error({ because, partition: record.partition, offset: record.offset }, 'an undecodable command goes to the dead letters');
    await retrying(() => deadLetter(log, record, error), 'dead letter', owned.signal, logger);
  }

  /** The executions and workflows of these commands, in memory. Undefined: they are. */
  #bring(received: readonly Received[]): Promise<void> | undefined {
    const ids: ExecutionId[] = [];
    const versions: WorkflowVersionId[] = [];
    for (const { command } of received) {
      if (command.type === 'CreateExecution' && !this.parts.workflows.known(command.created.workflow_version_id)) versions.push(command.created.workflow_version_id);
      if (!this.#residents.has(command.executionId) && !this.#known.isNew(command.executionId)) ids.push(command.executionId);
    }
    return ids.length + versions.length > 0 ? this.#load(ids, versions) : undefined;
  }

  async #load(ids: readonly ExecutionId[], versions: readonly WorkflowVersionId[]): Promise<void> {
    const { workflows, owned, logger } = this.parts;
    if (ids.length > 0) await retrying(() => this.#loading.bring(ids), 'loading executions', owned.signal, logger);
    for (const version of new Set(versions)) await retrying(() => workflows.load(version), 'loading a workflow', owned.signal, logger);
  }

  /** The commands with all that deciding them needs besides. */
  async #complete(received: readonly Received[]): Promise<readonly Received[]> {
    return this.#withAccounts(await this.#withInherited(await this.#withReused(await withBodies(received, this.#stored))));
  }

  /** Creates that reuse nodes, with the outputs that these need. */
  async #withReused(received: readonly Received[]): Promise<readonly Received[]> {
    const { database, workflows, owned, logger } = this.parts;
    const reusing = received.flatMap(({ command }) => {
      if (command.type !== 'CreateExecution' || !command.reuse?.length) return [];
      const workflow = workflows.known(command.created.workflow_version_id);
      return workflow ? [{ executionId: command.executionId, reuse: command.reuse, workflow }] : [];
    });
    if (reusing.length === 0) return received;
    const fetched = await retrying(() => fetchReused(database, reusing), 'loading outputs to reuse', owned.signal, logger);
    return received.map((one) => ({ ...one, reused: fetched.get(one.command.executionId) }));
  }

  /** Beginnings of retries and replays, with the effects that they take over. */
  #withInherited(received: readonly Received[]): Promise<readonly Received[]> {
    const { database, workflows, owned, logger } = this.parts;
    if (!received.some(({ command }) => mayInherit(command))) return Promise.resolve(received);
    return retrying(() => withInherited(received, { database, workflows, residents: this.#residents }), 'loading effects to take over', owned.signal, logger);
  }

  /** Steps that call models, with what the budgets beyond their executions say. */
  #withAccounts(received: readonly Received[]): Promise<readonly Received[]> {
    const { database, owned, logger } = this.parts;
    if (!maySpend(received)) return Promise.resolve(received);
    return retrying(() => withAccounts(received, { database, residents: this.#residents }), 'reserving in budgets', owned.signal, logger);
  }

  #point(outbox: Outbox): Checkpoint {
    return { ...outbox.acknowledged, claim: this.claim, nextCommand: this.#nextCommand, continuing: this.#continuing, newest: this.#known.newest };
  }
}

import { AcceptedEvents, type DecodedEvent, type EventLog, type LogRecord, type OwnedPartition, witness } from '@runlog/event-log';
import { type ExecutionId, evolve, type Instant, isTerminal, keptBy, type Reuse, type WorkflowVersionId } from '@runlog/execution';
import type { Logger } from '@runlog/platform';
import type { Database } from '@runlog/read-model';
import type { Workflow } from '@runlog/workflow';
import type { Checkpoint } from './checkpoint.js';
import { type FollowUp, FollowUps } from './follow-ups.js';
import { PartitionHalted } from './halted.js';
import type { KnownIds } from './known-ids.js';
import type { Live } from './live.js';
import type { Loading } from './loading.js';
import type { Residents } from './residents.js';
import { retrying } from './retrying.js';
import { fetchReused } from './reused-outputs.js';
import { stopSignalsDue } from './stop-signals.js';
import type { StoredBodies } from './stored-bodies.js';
import { scheduledNodes, taskFor, withStoredJournal } from './task-building.js';
import type { Workflows } from './workflows.js';
import type { WriteBehind } from './write-behind.js';

export interface RecoveryParts {
  readonly owned: OwnedPartition;
  readonly log: EventLog;
  readonly database: Database;
  readonly claim: number;
  readonly residents: Residents;
  readonly known: KnownIds;
  readonly loading: Loading;
  readonly workflows: Workflows;
  readonly writeBehind: WriteBehind;
  readonly stored: StoredBodies;
  readonly legs: number;
  readonly logger: Logger;
}

/** Above this many executions to be stored, recovery stores them before it reads on. */
const dirtyAtMost = 5_000;

/** Brings memory level with the log: stored states, plus the accepted events from the checkpoint up to this owner's claim. */
export class Recovery {
  readonly #touched = new Map<ExecutionId, Instant>();
  /** What executions reuse whose outputs are not in memory yet. */
  readonly #reusing = new Map<ExecutionId, Reuse[]>();

  constructor(private readonly parts: RecoveryParts) {}

  /** Resolves with where things stand once the claim has been read. Sends again what the executions at hand wait for. @throws PartitionHalted */
  async run(from: Checkpoint): Promise<Checkpoint> {
    const { owned, claim, writeBehind, residents, known } = this.parts;
    const accepted = new AcceptedEvents(from.claim);
    let point = from;
    for await (const records of owned.readEvents(from.nextEvent, claim + 1)) {
      const events = records.flatMap((record) => accepted.accept(record)?.event ?? []);
      await this.#apply(events);
      point = { ...pointAfter(point, records, events), claim: accepted.claim, newest: known.newest };
      if (residents.dirtyCount <= dirtyAtMost && !residents.isOverLimit) continue;
      await this.#sendDue();
      await writeBehind.finished();
      writeBehind.release();
      if (writeBehind.dueIn !== undefined) await writeBehind.flush(point);
    }
    owned.signal.throwIfAborted();
    if (point.nextEvent !== claim + 1 || accepted.claim !== claim)
      throw new Error(`Expected to read up to the claim at ${claim}, but got to ${point.nextEvent} under claim ${accepted.claim}`);
    await this.#sendDue();
    return point;
  }

  async #apply(events: readonly DecodedEvent[]): Promise<void> {
    const { loading, residents, known, owned, logger } = this.parts;
    await retrying(() => loading.bring(events.map((event) => event.executionId)), 'loading executions', owned.signal, logger);
    for (const event of events) {
      if (event.type === 'ExecutionCreated') known.remember(event.executionId);
      this.#touched.set(event.executionId, event.at);
      const live = residents.get(event.executionId);
      if (live && event.version <= live.execution.version) continue;
      await this.#evolve(event, live);
    }
  }

  async #evolve(event: DecodedEvent, live: Live | undefined): Promise<void> {
    const { residents, owned } = this.parts;
    const tip = live?.tip ?? '';
    if (event.version !== (live?.execution.version ?? 0) + 1 || event.previous !== tip)
      throw new PartitionHalted(
        owned.partition,
        `'${event.executionId}' stands at version ${live?.execution.version ?? 0} ('${tip}') and the next event on the log is version ${event.version} after '${event.previous}': events are missing`,
      );
    const workflow = live?.workflow ?? (event.type === 'ExecutionCreated' ? await this.#workflow(event.data.workflow_version_id) : undefined);
    if (!workflow)
      throw new PartitionHalted(owned.partition, `the catalog lacks the workflow version of execution '${event.executionId}': restore the database that belongs to this log`);
    const execution = stopOnUnknown(owned.partition, () => evolve(live?.execution, event, workflow));
    const after = live ?? { execution, workflow, tip: '', stored: 0, freshOutputs: [], hasStoredOutputs: true, bytes: 0 };
    if (!live) residents.add(after);
    after.tip = event.id;
    const kept = keptBy(event);
    if (kept !== undefined) after.freshOutputs.push(kept);
    if (event.type === 'NodeReused') this.#reusing.set(event.executionId, [...(this.#reusing.get(event.executionId) ?? []), event.data]);
    residents.touch(after, event.value.length);
  }

  #workflow(versionId: WorkflowVersionId): Promise<Workflow | undefined> {
    const { workflows, owned, logger } = this.parts;
    return retrying(() => workflows.load(versionId), 'loading a workflow', owned.signal, logger);
  }

  /** Outputs of reused nodes come from the read model; until that has them (it may be built anew at this moment) the partition waits. */
  async #adoptReused(): Promise<void> {
    const { residents, database, owned, logger } = this.parts;
    const reusing = [...this.#reusing].flatMap(([executionId, reuse]) => {
      const live = residents.get(executionId);
      return live && !isTerminal(live.execution.status) ? [{ executionId, reuse, workflow: live.workflow }] : [];
    });
    this.#reusing.clear();
    if (reusing.length === 0) return;
    const fetchAll = async () => {
      const fetched = await fetchReused(database, reusing);
      if (fetched.size < reusing.length)
        throw new Error(`Expected the outputs that ${reusing.length} executions reuse in the read model, but those of ${reusing.length - fetched.size} are not there yet`);
      return fetched;
    };
    for (const [executionId, outputs] of await retrying(fetchAll, 'loading outputs to reuse', owned.signal, logger)) {
      const live = residents.get(executionId);
      if (live) residents.adopt(live, outputs);
    }
  }

  /** Tasks and stop signals that the last owner may not have got out. Both are harmless twice. */
  async #sendDue(): Promise<void> {
    const { residents, log, legs, stored } = this.parts;
    await this.#adoptReused();
    const due = new FollowUps(log);
    for (const [id, at] of this.#touched) {
      const live = residents.get(id);
      if (!live || isTerminal(live.execution.status)) continue;
      for (const one of dueOf(live, at, legs)) due.add('task' in one ? { task: await withStoredJournal(one.task, stored) } : one);
    }
    this.#touched.clear();
    if (!due.isEmpty) await log.send(due.take());
  }
}

const dueOf = (live: Live, at: Instant, legs: number): FollowUp[] => [
  ...stopSignalsDue(live.execution).map(({ runner, signal }) => ({ instance: runner, reply: signal })),
  ...scheduledNodes(live.execution).flatMap((node) => {
    const task = taskFor(live, node, at, legs);
    return task ? [{ task }] : [];
  }),
];

const pointAfter = (point: Checkpoint, records: readonly LogRecord[], events: readonly DecodedEvent[]): Checkpoint => {
  const lastRecord = records.at(-1);
  const lastEvent = events.at(-1);
  return {
    ...point,
    ...(lastRecord ? { nextEvent: lastRecord.offset + 1, previous: witness(lastRecord) } : {}),
    ...(lastEvent ? { nextCommand: lastEvent.more ? lastEvent.commandOffset : lastEvent.commandOffset + 1, continuing: lastEvent.more } : {}),
  };
};

const stopOnUnknown = <Result>(partition: number, apply: () => Result): Result => {
  try {
    return apply();
  } catch (cause) {
    throw new PartitionHalted(partition, `an accepted event can't be applied: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
};

import { chainId, type EventEnvelope, encodeEvent, type NewRecord } from '@runlog/event-log';
import type { ExecutionEvent } from '@runlog/execution';
import { type Applied, type ExecutionCommand, evolve, type Instant, keptBy } from '@runlog/execution';
import type { Workflow } from '@runlog/workflow';
import type { Reservation } from './accounts.js';
import { type BodyStorage, type Draft, fitting, small } from './fitting.js';
import type { FollowUp } from './follow-ups.js';
import type { KnownIds } from './known-ids.js';
import type { Live } from './live.js';
import { type Outbox, recordOverheadBytes, type Slice } from './outbox.js';
import type { Residents } from './residents.js';
import type { FetchedOutputs } from './reused-outputs.js';
import { stopSignals } from './stop-signals.js';
import type { StoredBodies } from './stored-bodies.js';
import { taskFor, withStoredJournal } from './task-building.js';

const sliceEvents = 256;
const sliceBytes = 512 * 1024;
/** Every event that exists has this version so far. */
const schemaVersion = 1;
/** More than any execution may have: a decision that gives more than this never ends. */
const runawayEvents = 250_000;

/** What a decision rests on and leaves behind, from one claim to its loss. */
export interface Desk {
  readonly claim: number;
  readonly outbox: Outbox;
  readonly residents: Residents;
  readonly known: KnownIds;
  readonly stored: StoredBodies;
  readonly maxEventBytes: number;
  /** Nodes that may follow the first one in a task, at most. */
  readonly legs: number;
  /** Gives back what was reserved for calls beyond their execution. */
  release(reservations: readonly Reservation[]): Promise<void>;
}

/** An event as it is applied, hashed and written: one object for all of it, as most of what the engine makes is events. */
type Numbered = Applied & EventEnvelope & { id: string; more: boolean; readonly value: string };

/** Mostly nothing need be waited for, and then there is no promise. */
export type Wait = Promise<undefined> | undefined;

/** The events of one command: numbered, chained, applied to the state, and handed to the outbox in slices. */
export class Recording {
  #slice: Numbered[] = [];
  #bytes = 0;
  #followUps: FollowUp[] = [];
  /** Events recorded for this command so far. */
  count = 0;
  /** When what is added from now on came about. */
  at: Instant;

  constructor(
    private readonly desk: Desk,
    private readonly command: ExecutionCommand,
    private readonly offset: number,
    private readonly workflow: Workflow,
    public live: Live | undefined,
    private readonly reused?: FetchedOutputs,
  ) {
    this.at = command.at;
  }

  /** Events that belong together stay in one slice where they fit. Without `tasks` whatever they schedule has its runner already. */
  add(events: readonly ExecutionEvent[], tasks = true): Wait {
    const drafts: Draft[] = [];
    let bytes = 0;
    for (const event of events) {
      const draft = small(event);
      if (!draft) return this.#addLarge(events, tasks);
      drafts.push(draft);
      bytes += draft.bytes + recordOverheadBytes;
    }
    if (!this.#fits(drafts.length, bytes)) return this.#addInSlices(drafts, bytes, tasks);
    for (const draft of drafts) this.#append(draft, tasks);
    return undefined;
  }

  /** Goes out with the last slice, or at once when there is none. */
  close(followUp?: FollowUp): Wait {
    if (followUp) this.#followUps.push(followUp);
    return this.#cut(false);
  }

  async #addLarge(events: readonly ExecutionEvent[], tasks: boolean): Promise<undefined> {
    const drafts: Draft[] = [];
    for (const event of events) drafts.push(small(event) ?? (await fitting(event, this.desk.maxEventBytes, this.#storage)));
    const bytes = drafts.reduce((sum, draft) => sum + draft.bytes + recordOverheadBytes, 0);
    await this.#addInSlices(drafts, bytes, tasks);
  }

  async #addInSlices(drafts: readonly Draft[], bytes: number, tasks: boolean): Promise<undefined> {
    if (!this.#hasRoom(drafts.length, bytes)) await this.#cut(true);
    for (const draft of drafts) {
      if (!this.#hasRoom(1, draft.bytes + recordOverheadBytes)) await this.#cut(true);
      this.#append(draft, tasks);
    }
  }

  get #storage(): BodyStorage {
    const { stored } = this.desk;
    return { limitBytes: stored.limitBytes, put: (text) => stored.put(this.command.workspaceId, text) };
  }

  #hasRoom(events: number, bytes: number): boolean {
    return this.#slice.length === 0 || this.#fits(events, bytes);
  }

  #fits(events: number, bytes: number): boolean {
    return this.#slice.length + events <= sliceEvents && this.#bytes + bytes <= sliceBytes;
  }

  #append({ event, value, bytes }: Draft, tasks: boolean): void {
    const { command, live } = this;
    if (++this.count > runawayEvents) throw new Error(`Expected the decision on '${command.type}' to end, but it gave ${runawayEvents} events`);
    const numbered = {
      type: event.type,
      data: event.data,
      id: '',
      previous: live?.tip ?? '',
      executionId: command.executionId,
      workspaceId: command.workspaceId,
      version: (live?.execution.version ?? 0) + 1,
      schemaVersion,
      at: this.at,
      commandId: command.id,
      commandOffset: this.offset,
      more: false,
      traceparent: command.traceparent,
      value,
    } as Numbered;
    if (live) for (const { runner, signal } of stopSignals(numbered, command, live.execution)) this.#followUps.push({ instance: runner, reply: signal });
    const execution = evolve(live?.execution, numbered, this.workflow);
    numbered.id = chainId(numbered);
    const after = live ?? this.#welcome({ execution, workflow: this.workflow, tip: '', stored: 0, freshOutputs: [], hasStoredOutputs: false, bytes: 0 });
    after.tip = numbered.id;
    this.desk.residents.touch(after, bytes);
    this.#slice.push(numbered);
    this.#bytes += bytes + recordOverheadBytes;
    this.#followUp(event, after, tasks);
  }

  #welcome(live: Live): Live {
    this.live = live;
    this.desk.residents.add(live);
    this.desk.known.remember(live.execution.id);
    return live;
  }

  #followUp(event: ExecutionEvent, live: Live, tasks: boolean): void {
    const { command } = this;
    const kept = keptBy(event);
    if (kept !== undefined) live.freshOutputs.push(kept);
    if (event.type === 'NodeReused' && this.reused) this.desk.residents.adopt(live, this.reused);
    if (event.type === 'NodeScheduled' && tasks) {
      const task = taskFor(live, event.data.node_id, command.at, this.desk.legs);
      if (task) this.#followUps.push({ task });
    }
    if (event.type === 'EffectIntended' && !event.data.from && !event.data.call && command.replyTo !== undefined) {
      const { id: executionId, version } = live.execution;
      this.#followUps.push({ instance: command.replyTo, reply: { type: 'accepted', commandId: command.id, executionId, version } });
    }
  }

  #cut(more: boolean): Wait {
    const followUps = this.#followUps;
    this.#followUps = [];
    if (followUps.some((one) => 'task' in one && one.task.journal)) return this.#withStoredJournals(followUps).then((stored) => this.#leave(stored, more));
    return this.#leave(followUps, more);
  }

  async #withStoredJournals(leaving: readonly FollowUp[]): Promise<FollowUp[]> {
    const followUps: FollowUp[] = [];
    for (const one of leaving) followUps.push('task' in one ? { task: await withStoredJournal(one.task, this.desk.stored) } : one);
    return followUps;
  }

  #leave(followUps: readonly FollowUp[], more: boolean): Wait {
    const { outbox, claim } = this.desk;
    const last = this.#slice.at(-1);
    if (!last) {
      for (const followUp of followUps) outbox.say(followUp);
      return undefined;
    }
    last.more = more;
    const records: NewRecord[] = [];
    for (const event of this.#slice) records.push(encodeEvent(event, claim));
    // Somebody is at work on the node that was begun last: nobody waits for these events, and its report will take them along.
    const urgency = !more && last.type === 'NodeStarted' && followUps.length === 0 ? 'soon' : 'now';
    const slice: Slice = { records, bytes: this.#bytes, lastId: last.id, followUps, urgency };
    this.#slice = [];
    this.#bytes = 0;
    return outbox.add(slice);
  }
}

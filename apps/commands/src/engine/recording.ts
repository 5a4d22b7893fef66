import { chainId, type EventEnvelope, encodeEvent } from '@runlog/event-log';
import type { ExecutionEvent } from '@runlog/execution';
import { type Applied, type ExecutionCommand, evolve, keptBy } from '@runlog/execution';
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

type Numbered = EventEnvelope & { readonly value: string };

/** The events of one command: numbered, chained, applied to the state, and handed to the outbox in slices. */
export class Recording {
  #slice: Numbered[] = [];
  #bytes = 0;
  #followUps: FollowUp[] = [];
  /** Events recorded for this command so far. */
  count = 0;

  constructor(
    private readonly desk: Desk,
    private readonly command: ExecutionCommand,
    private readonly offset: number,
    private readonly workflow: Workflow,
    public live: Live | undefined,
    private readonly reused?: FetchedOutputs,
  ) {}

  /** Events that belong together stay in one slice where they fit. Without `tasks` whatever they schedule has its runner already. */
  async add(events: readonly ExecutionEvent[], tasks = true): Promise<void> {
    const drafts: Draft[] = [];
    for (const event of events) drafts.push(small(event) ?? (await fitting(event, this.desk.maxEventBytes, this.#storage)));
    const bytes = drafts.reduce((sum, draft) => sum + draft.bytes + recordOverheadBytes, 0);
    if (!this.#hasRoom(drafts.length, bytes)) await this.#cut(true);
    for (const draft of drafts) {
      if (!this.#hasRoom(1, draft.bytes + recordOverheadBytes)) await this.#cut(true);
      this.#append(draft, tasks);
    }
  }

  /** Goes out with the last slice, or at once when there is none. */
  async close(followUp?: FollowUp): Promise<void> {
    if (followUp) this.#followUps.push(followUp);
    await this.#cut(false);
  }

  get #storage(): BodyStorage {
    const { stored } = this.desk;
    return { limitBytes: stored.limitBytes, put: (text) => stored.put(this.command.workspaceId, text) };
  }

  #hasRoom(events: number, bytes: number): boolean {
    return this.#slice.length === 0 || (this.#slice.length + events <= sliceEvents && this.#bytes + bytes <= sliceBytes);
  }

  #append({ event, value, bytes }: Draft, tasks: boolean): void {
    const { command, live } = this;
    if (++this.count > runawayEvents) throw new Error(`Expected the decision on '${command.type}' to end, but it gave ${runawayEvents} events`);
    const envelope = {
      type: event.type,
      previous: live?.tip ?? '',
      executionId: command.executionId,
      workspaceId: command.workspaceId,
      version: (live?.execution.version ?? 0) + 1,
      schemaVersion,
      at: command.at,
      commandId: command.id,
      commandOffset: this.offset,
      more: false,
    };
    const applied = { ...envelope, data: event.data, ...(command.traceparent === undefined ? {} : { traceparent: command.traceparent }) } as Applied;
    if (live) for (const { runner, signal } of stopSignals(applied, command, live.execution)) this.#followUps.push({ instance: runner, reply: signal });
    const execution = evolve(live?.execution, applied, this.workflow);
    const id = chainId({ ...envelope, value });
    const after = live ?? this.#welcome({ execution, workflow: this.workflow, tip: id, stored: 0, freshOutputs: [], hasStoredOutputs: false, bytes: 0 });
    after.tip = id;
    this.desk.residents.touch(after, bytes);
    this.#slice.push({ ...envelope, id, value });
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

  async #withStoredJournals(leaving: readonly FollowUp[]): Promise<FollowUp[]> {
    const followUps: FollowUp[] = [];
    for (const one of leaving) followUps.push('task' in one ? { task: await withStoredJournal(one.task, this.desk.stored) } : one);
    return followUps;
  }

  async #cut(more: boolean): Promise<void> {
    const slice = this.#slice;
    const last = slice.at(-1);
    const { traceparent } = this.command;
    const records = slice.map((event) => encodeEvent({ ...event, more: more && event === last, ...(traceparent === undefined ? {} : { traceparent }) }, this.desk.claim));
    const leaving = this.#followUps;
    this.#followUps = [];
    const followUps = leaving.some((one) => 'task' in one && one.task.journal) ? await this.#withStoredJournals(leaving) : leaving;
    // Somebody is at work on the node that was begun last: nobody waits for these events, and its report will take them along.
    const urgency = !more && last?.type === 'NodeStarted' && followUps.length === 0 ? 'soon' : 'now';
    const cut: Slice = { records, bytes: this.#bytes, lastId: last?.id ?? '', followUps, urgency };
    this.#slice = [];
    this.#bytes = 0;
    if (last) await this.desk.outbox.add(cut);
    else for (const followUp of cut.followUps) this.desk.outbox.say(followUp);
  }
}

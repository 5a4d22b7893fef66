import type { Position } from '@runlog/event-log';
import { type ExecutionId, foldStanding, type QueueStanding, type RecordedEvent, type RunnerId } from '@runlog/execution';
import { foldAttempts, isEnding } from './attempts.js';
import { Clockwork } from './clockwork.js';
import type { NodeTimeouts } from './node-timeouts.js';
import type { Changes, StoredExecution } from './rows.js';
import { foldTimers } from './timers.js';
import { type ArmedTimer, type Observer, type OpenAttempt, Watched } from './watched.js';

/** Until when the first reminder of an unstarted attempt waits. */
export const UNSTARTED_MS = 5000;

export interface DueTimer {
  readonly watched: Watched;
  readonly armed: ArmedTimer;
  /** How often it was fired already without an event that settles it. */
  readonly tries: number;
}

export interface DueReminder {
  readonly watched: Watched;
  readonly attempt: OpenAttempt;
  readonly tries: number;
}

interface Taken {
  readonly watched: Watched;
  readonly execution: boolean;
  readonly timers: readonly string[];
  readonly attempts: readonly string[];
}

/**
 * One partition as of `position`: the executions that something happens to, and what falls due soon. Executions at rest are in their rows
 * only. Every timer due up to `horizon` is in memory and in `timers`; later ones may be in the table alone.
 */
export class Book implements Observer {
  readonly timers = new Clockwork<DueTimer>();
  reminders = new Clockwork<DueReminder>();
  /** How many open attempts each runner has. */
  readonly busy = new Map<RunnerId, number>();
  private readonly watched = new Map<ExecutionId, Watched>();
  private readonly unsaved = new Set<Watched>();
  /** Ended, with rows to delete: nothing of them may come back from the table. */
  private readonly ended = new Set<ExecutionId>();
  /** They can't be admitted: deciding that failed. */
  private inadmissible: QueueStanding[] = [];
  /** Where executions of queues stand, not written yet. */
  private readonly standings = new Map<ExecutionId, QueueStanding>();
  private horizon = Number.NEGATIVE_INFINITY;

  constructor(
    readonly partition: number,
    readonly epoch: number,
    public position: Position,
    private readonly expectRunner: (runner: RunnerId) => void,
  ) {}

  get dueUntil(): number {
    return this.horizon;
  }

  get executions(): IterableIterator<Watched> {
    return this.watched.values();
  }

  get size(): number {
    return this.watched.size;
  }

  get unsavedSize(): number {
    return this.unsaved.size + this.ended.size + this.standings.size;
  }

  /** Somebody waits for what is not written yet: a slot, or that one is given back. */
  get isAwaited(): boolean {
    return this.standings.size > 0;
  }

  knows(id: ExecutionId): boolean {
    return this.watched.has(id) || this.ended.has(id);
  }

  /** True while it is what the execution is about; an ended or forgotten one is not. */
  holds(watched: Watched): boolean {
    return this.watched.get(watched.executionId) === watched;
  }

  /** Events of one partition, in order; definitions and rows that they need are loaded already. */
  fold(event: RecordedEvent, timeouts: NodeTimeouts, now: number): void {
    if (this.ended.has(event.executionId)) return;
    const watched = this.watched.get(event.executionId) ?? this.begin(event, timeouts);
    foldTimers(watched, event);
    foldAttempts(watched, event);
    this.foldQueue(watched, event);
    watched.touchedAt = now;
    if (isEnding(event)) this.end(watched);
  }

  restore(stored: StoredExecution, timeouts: NodeTimeouts, now: number): void {
    if (this.knows(stored.executionId)) return;
    const watched = new Watched(stored.executionId, stored.workspaceId, stored.workflowVersionId, this);
    watched.timeouts = timeouts.of(stored.workflowVersionId);
    watched.clock = stored.clock;
    watched.cancelling = stored.cancelling;
    watched.standing = stored.standing;
    watched.touchedAt = now;
    this.watched.set(stored.executionId, watched);
    watched.restore(stored.timers, stored.attempts);
  }

  /** Every timer due up to then is in memory now. */
  extendHorizon(until: number): void {
    const before = this.horizon;
    this.horizon = until;
    for (const watched of this.watched.values())
      for (const armed of watched.timers.values()) if (armed.dueAt > before && armed.dueAt <= until) this.timers.set(armed.dueAt, { watched, armed, tries: 0 });
  }

  /** Forgets what is at rest and fully in its rows. */
  evict(restedSince: number): void {
    for (const [id, watched] of this.watched) {
      if (watched.touchedAt > restedSince || watched.attempts.size > 0 || this.unsaved.has(watched)) continue;
      if (![...watched.timers.values()].some(({ dueAt }) => dueAt <= this.horizon)) this.watched.delete(id);
    }
  }

  armed(watched: Watched, armed: ArmedTimer): void {
    if (armed.dueAt <= this.horizon) this.timers.set(armed.dueAt, { watched, armed, tries: 0 });
  }

  opened(watched: Watched, attempt: OpenAttempt): void {
    const { runner } = attempt;
    if (runner === null) this.reminders.set(attempt.since + UNSTARTED_MS, { watched, attempt, tries: 0 });
    else {
      this.busy.set(runner, (this.busy.get(runner) ?? 0) + 1);
      this.expectRunner(runner);
    }
  }

  closed(_: Watched, { runner }: OpenAttempt): void {
    if (runner === null) return;
    const left = (this.busy.get(runner) ?? 0) - 1;
    if (left > 0) this.busy.set(runner, left);
    else this.busy.delete(runner);
  }

  changed(watched: Watched): void {
    this.unsaved.add(watched);
  }

  takeInadmissible(): QueueStanding[] {
    return this.inadmissible.splice(0);
  }

  /** The net effect since the last take, as of `position`. Until `saved` or `failed` is called, no other take. */
  take(): { changes: Changes; saved(): void; failed(): void } {
    const changes: Changes = { executions: [], timers: [], attempts: [], goneTimers: [], goneAttempts: [], standings: [...this.standings.values()], ended: [...this.ended] };
    const taken = [...this.unsaved].map((watched) => takeOne(watched, changes));
    this.unsaved.clear();
    this.standings.clear();
    return {
      changes,
      saved: () => {
        for (const id of changes.ended) this.ended.delete(id);
        for (const { watched, timers, attempts } of taken) {
          for (const slot of timers) if (!watched.timers.has(slot) && !watched.unsaved.timers.has(slot)) watched.saved.timers.delete(slot);
          for (const node of attempts) if (!watched.attempts.has(node) && !watched.unsaved.attempts.has(node)) watched.saved.attempts.delete(node);
        }
      },
      failed: () => {
        for (const standing of changes.standings) if (!this.standings.has(standing.executionId)) this.standings.set(standing.executionId, standing);
        for (const { watched, execution, timers, attempts } of taken) {
          watched.unsaved.execution ||= execution;
          for (const slot of timers) watched.unsaved.timers.add(slot);
          for (const node of attempts) watched.unsaved.attempts.add(node);
          if (this.holds(watched)) this.unsaved.add(watched);
        }
      },
    };
  }

  /** A runner may have fallen silent with tasks that it had not started: every unstarted attempt is looked at anew. */
  remindAfresh(now: number): void {
    this.reminders = new Clockwork();
    for (const watched of this.watched.values())
      for (const attempt of watched.attempts.values()) if (attempt.runner === null) this.reminders.set(Math.max(now, attempt.since + UNSTARTED_MS), { watched, attempt, tries: 0 });
  }

  private foldQueue(watched: Watched, event: RecordedEvent): void {
    if (event.type === 'ExecutionFaulted' && event.data.command_type === 'AdmitExecution' && watched.standing) this.inadmissible.push(watched.standing);
    const standing = foldStanding(watched.standing, event);
    if (!standing || standing === watched.standing) return;
    watched.setStanding(standing);
    this.standings.set(watched.executionId, standing);
  }

  private begin(event: RecordedEvent, timeouts: NodeTimeouts): Watched {
    const versionId = event.type === 'ExecutionCreated' ? event.data.workflow_version_id : null;
    const watched = new Watched(event.executionId, event.workspaceId, versionId, this);
    watched.timeouts = timeouts.of(versionId);
    if (watched.timeouts.size > 0) {
      watched.unsaved.execution = true;
      this.unsaved.add(watched);
    }
    this.watched.set(event.executionId, watched);
    return watched;
  }

  private end(watched: Watched): void {
    for (const attempt of watched.attempts.values()) this.closed(watched, attempt);
    this.watched.delete(watched.executionId);
    this.unsaved.delete(watched);
    if (watched.saved.execution) this.ended.add(watched.executionId);
  }
}

/** Its unsaved rows into `changes`. From here on it counts as having them: a delete too many is harmless, one too few is not. */
const takeOne = (watched: Watched, changes: Changes): Taken => {
  const { executionId, unsaved, saved } = watched;
  const taken = { watched, timers: [...unsaved.timers], attempts: [...unsaved.attempts] };
  for (const slot of unsaved.timers) {
    const armed = watched.timers.get(slot);
    if (armed) {
      changes.timers.push({ executionId, armed });
      saved.timers.add(slot);
    } else if (saved.timers.has(slot)) changes.goneTimers.push({ executionId, slot });
  }
  for (const node of unsaved.attempts) {
    const attempt = watched.attempts.get(node);
    if (attempt) {
      changes.attempts.push({ executionId, attempt });
      saved.attempts.add(node);
    } else if (saved.attempts.has(node)) changes.goneAttempts.push({ executionId, node });
  }
  const isNeeded = !watched.isPlain || watched.timers.size > 0 || watched.attempts.size > 0;
  const execution = saved.execution ? unsaved.execution : isNeeded;
  if (execution) {
    changes.executions.push({
      executionId,
      workspaceId: watched.workspaceId,
      workflowVersionId: watched.workflowVersionId,
      cancelling: watched.cancelling,
      clock: watched.clock,
      standing: watched.standing,
    });
    saved.execution = true;
  }
  unsaved.execution = false;
  unsaved.timers.clear();
  unsaved.attempts.clear();
  return { ...taken, execution };
};

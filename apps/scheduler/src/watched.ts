import type { ExecutionId, Instant, NodeId, QueueStanding, RunnerId, Timer, WorkflowVersionId, WorkspaceId } from '@runlog/execution';

/** What a timer is for: a node, a gate of an agent's call (`<node>.<attempt>.<key>`), or '' for the execution. */
export type Place = string;

/** A timer that runs. A gate's reminders come one after the other: `later` are those after this one. */
export interface ArmedTimer {
  readonly timer: Timer;
  readonly node: Place;
  readonly dueAt: Instant;
  readonly later: readonly Instant[];
}

/** An attempt without an outcome: scheduled while `runner` is null, then started by that runner. `since` is when it became so. */
export interface OpenAttempt {
  readonly node: NodeId;
  readonly attempt: number;
  readonly kind: string;
  readonly runner: RunnerId | null;
  readonly since: Instant;
}

/** What is left of the run time-out; `since` null: the clock stands still. */
export interface RunClock {
  readonly includesSuspended: boolean;
  readonly leftMs: number;
  readonly since: Instant | null;
}

/** Told of what begins and ends in the executions of a partition, at once. */
export interface Observer {
  armed(watched: Watched, timer: ArmedTimer): void;
  opened(watched: Watched, attempt: OpenAttempt): void;
  closed(watched: Watched, attempt: OpenAttempt): void;
  changed(watched: Watched): void;
}

/** A node, or gate of a call, has at most one timer of a kind: `<kind>:<place>`. */
export type Slot = string;
export const slotOf = (kind: Timer['kind'], node: Place = ''): Slot => `${kind}:${node}`;

const nodeKinds = ['delay', 'retry', 'node_timeout', 'gate_expiry', 'gate_reminder'] as const;

/** One live execution as the scheduler sees it: what runs against the clock, and who works on it. Never its data. */
export class Watched {
  readonly timers = new Map<Slot, ArmedTimer>();
  readonly attempts = new Map<NodeId, OpenAttempt>();
  clock: RunClock | null = null;
  /** Of an execution in a queue. */
  standing: QueueStanding | null = null;
  cancelling = false;
  /** Of nodes whose time-out is the scheduler's, milliseconds. */
  timeouts: ReadonlyMap<NodeId, number> = new Map();
  /** When something last happened to it here. */
  touchedAt = 0;
  /** What differs from its rows, and which rows it has. */
  readonly unsaved = { execution: false, timers: new Set<Slot>(), attempts: new Set<NodeId>() };
  readonly saved = { execution: false, timers: new Set<Slot>(), attempts: new Set<NodeId>() };

  constructor(
    readonly executionId: ExecutionId,
    readonly workspaceId: WorkspaceId,
    readonly workflowVersionId: WorkflowVersionId | null,
    private readonly observer: Observer,
  ) {}

  /** Nothing of it would be missed if it had no row. */
  get isPlain(): boolean {
    return this.clock === null && this.standing === null && !this.cancelling && this.timeouts.size === 0;
  }

  /** Seconds may be given with any fraction; timers are kept in whole milliseconds, and never early. */
  arm(timer: Timer, dueAt: Instant, node: Place = '', later: readonly Instant[] = []): void {
    const armed = { timer, node, dueAt: Math.ceil(dueAt), later };
    const slot = slotOf(timer.kind, node);
    this.timers.set(slot, armed);
    this.unsaved.timers.add(slot);
    this.observer.changed(this);
    this.observer.armed(this, armed);
  }

  disarm(slot: Slot): void {
    if (!this.timers.delete(slot)) return;
    this.unsaved.timers.add(slot);
    this.observer.changed(this);
  }

  disarmNode(node: NodeId): void {
    if (this.timers.size === 0) return;
    for (const kind of nodeKinds) this.disarm(slotOf(kind, node));
    for (const [slot, armed] of this.timers) if (armed.node.startsWith(`${node}.`)) this.disarm(slot);
  }

  disarmAll(): void {
    for (const slot of this.timers.keys()) this.disarm(slot);
  }

  open(attempt: OpenAttempt): void {
    this.close(attempt.node);
    this.attempts.set(attempt.node, attempt);
    this.unsaved.attempts.add(attempt.node);
    this.observer.changed(this);
    this.observer.opened(this, attempt);
  }

  close(node: NodeId): void {
    const attempt = this.attempts.get(node);
    if (!attempt) return;
    this.attempts.delete(node);
    this.unsaved.attempts.add(node);
    this.observer.changed(this);
    this.observer.closed(this, attempt);
  }

  setClock(clock: RunClock | null): void {
    this.clock = clock;
    this.unsaved.execution = true;
    this.observer.changed(this);
  }

  setStanding(standing: QueueStanding): void {
    this.standing = standing;
    this.unsaved.execution = true;
    this.observer.changed(this);
  }

  /** Takes over what its rows say. */
  restore(timers: readonly ArmedTimer[], attempts: readonly OpenAttempt[]): void {
    this.saved.execution = true;
    for (const armed of timers) {
      const slot = slotOf(armed.timer.kind, armed.node);
      this.timers.set(slot, armed);
      this.saved.timers.add(slot);
      this.observer.armed(this, armed);
    }
    for (const attempt of attempts) {
      this.attempts.set(attempt.node, attempt);
      this.saved.attempts.add(attempt.node);
      this.observer.opened(this, attempt);
    }
  }
}

import type { NodeTask } from '@runlog/execution';
import type { NodeKind } from './kinds/node-kind.js';
import type { Sandbox } from './sandbox/sandbox.js';

export interface Waiting {
  readonly task: NodeTask;
  readonly kind: NodeKind;
  readonly bytes: number;
  /** How often it has been passed on to get here. */
  readonly passes: number;
}

/** A place where one node runs at a time; in a leg, nodes of several kinds after each other. */
export interface Slot {
  kind: NodeKind;
}

/** What waits may hold at most so much memory, counted as the tasks' records. */
const MAX_BACKLOG_BYTES = 32 * 1024 * 1024;

/** Slots and the queue before them: how many nodes run at a time, in total and per kind. */
export class Desk {
  readonly #waiting: Waiting[] = [];
  readonly #running = new Map<string, number>();
  #total = 0;
  /** Of kinds that take no slot: those that run, and those that wait. */
  #apart = 0;
  #waitingApart = 0;
  #waitingBytes = 0;
  #wake: (() => void)[] = [];

  constructor(
    readonly slots: number,
    readonly maxBacklog: number,
    private readonly sandbox: Sandbox,
    private readonly begin: (task: NodeTask, slot: Slot) => Promise<void>,
  ) {}

  get running(): number {
    return this.#total + this.#apart;
  }

  get free(): number {
    return Math.max(0, this.slots - this.#total);
  }

  get backlog(): number {
    return this.#waiting.length;
  }

  hasRoomFor(kind: NodeKind): boolean {
    return (kind.takesSteps || this.#total < this.slots) && this.#isBelowCapacity(kind);
  }

  /** The slot's next node is of this kind. False: too many of that kind run. */
  turn(slot: Slot, kind: NodeKind): boolean {
    if (kind.kind === slot.kind.kind) return true;
    if (!this.#isBelowCapacity(kind)) return false;
    this.#count(slot.kind, -1);
    slot.kind = kind;
    this.#count(kind, 1);
    this.#pump();
    return true;
  }

  /** Begins the task, or keeps it until there is room for it. Resolves once the queue has room for another. */
  async take(waiting: Waiting): Promise<void> {
    this.#waiting.push(waiting);
    if (waiting.kind.takesSteps) this.#waitingApart++;
    this.#waitingBytes += waiting.bytes;
    this.#pump();
    while (this.#isFull) await new Promise<void>((wake) => this.#wake.push(wake));
  }

  /** Takes waiting tasks out, those that came last first, while `wanted` says so. */
  release(wanted: (waiting: Waiting) => boolean): Waiting[] {
    const released: Waiting[] = [];
    for (let at = this.#waiting.length - 1; at >= 0; at--) {
      const waiting = this.#waiting[at] as Waiting;
      if (!wanted(waiting)) break;
      released.push(waiting);
      this.#waitingBytes -= waiting.bytes;
      if (waiting.kind.takesSteps) this.#waitingApart--;
      this.#waiting.length = at;
    }
    this.#wakeUp();
    return released;
  }

  #isBelowCapacity(kind: NodeKind): boolean {
    return (this.#running.get(kind.kind) ?? 0) < (kind.capacity?.(this.sandbox) ?? this.slots);
  }

  get #isFull(): boolean {
    return this.#waiting.length >= this.maxBacklog || this.#waitingBytes > MAX_BACKLOG_BYTES;
  }

  #pump(): void {
    for (let at = 0; at < this.#waiting.length && (this.#total < this.slots || this.#waitingApart > 0); ) {
      const { task, kind, bytes } = this.#waiting[at] as Waiting;
      if (!this.hasRoomFor(kind)) {
        at++;
        continue;
      }
      this.#waiting.splice(at, 1);
      this.#waitingBytes -= bytes;
      if (kind.takesSteps) this.#waitingApart--;
      this.#count(kind, 1);
      const slot = { kind };
      void this.begin(task, slot).finally(() => {
        this.#count(slot.kind, -1);
        this.#pump();
        this.#wakeUp();
      });
    }
  }

  #count(kind: NodeKind, change: number): void {
    if (kind.takesSteps) this.#apart += change;
    else this.#total += change;
    this.#running.set(kind.kind, (this.#running.get(kind.kind) ?? 0) + change);
  }

  #wakeUp(): void {
    if (!this.#isFull) for (const wake of this.#wake.splice(0)) wake();
  }
}

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
/** Of nodes that only compute, so many in place of one while they are small: most of them have ended and wait for their report to be written. */
const SEALED_PER_SLOT = 4;
const MAX_SEALED_BYTES = 32 * 1024 * 1024;

/** Slots and the queue before them: how many nodes run at a time, in total and per kind. */
export class Desk {
  readonly #waiting: Waiting[] = [];
  readonly #waitingOf = new Map<string, number>();
  #waitingBytes = 0;
  readonly #running = new Map<string, number>();
  #slotted = 0;
  #sealed = 0;
  #sealedBytes = 0;
  /** Of kinds that take no slot. */
  #apart = 0;
  #wake: (() => void)[] = [];

  constructor(
    readonly slots: number,
    readonly maxBacklog: number,
    private readonly sandbox: Sandbox,
    private readonly begin: (task: NodeTask, slot: Slot) => Promise<void>,
  ) {}

  get running(): number {
    return this.#slotted + this.#sealed + this.#apart;
  }

  get free(): number {
    return Math.max(0, this.slots - this.#slotted - this.#sealed);
  }

  get backlog(): number {
    return this.#waiting.length;
  }

  hasRoomFor(kind: NodeKind): boolean {
    if ((this.#running.get(kind.kind) ?? 0) >= (kind.capacity?.(this.sandbox) ?? Infinity)) return false;
    if (kind.takesSteps) return true;
    if (!kind.isSealed) return this.#slotted < this.slots;
    return this.#sealed < (this.#sealedBytes > MAX_SEALED_BYTES ? this.slots : this.slots * SEALED_PER_SLOT);
  }

  /** The slot's next node is of this kind. False: too many of that kind run. */
  turn(slot: Slot, kind: NodeKind): boolean {
    if (kind.kind === slot.kind.kind) return true;
    this.#count(slot.kind, -1);
    const hasRoom = this.hasRoomFor(kind);
    if (hasRoom) slot.kind = kind;
    this.#count(slot.kind, 1);
    if (hasRoom) this.#pump();
    return hasRoom;
  }

  /** Begins the task, or keeps it until there is room for it. Resolves once the queue has room for another. */
  async take(waiting: Waiting): Promise<void> {
    this.#waiting.push(waiting);
    this.#countWaiting(waiting, 1);
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
      this.#countWaiting(waiting, -1);
      this.#waiting.length = at;
    }
    this.#wakeUp();
    return released;
  }

  get #isFull(): boolean {
    return this.#waiting.length >= this.maxBacklog || this.#waitingBytes > MAX_BACKLOG_BYTES;
  }

  #pump(): void {
    const full = new Set<string>();
    let hopeful = this.#waiting.length;
    for (let at = 0; hopeful > 0 && at < this.#waiting.length; ) {
      const waiting = this.#waiting[at] as Waiting;
      const { task, kind } = waiting;
      if (full.has(kind.kind)) {
        at++;
        continue;
      }
      if (!this.hasRoomFor(kind)) {
        full.add(kind.kind);
        hopeful -= this.#waitingOf.get(kind.kind) ?? 0;
        continue;
      }
      this.#waiting.splice(at, 1);
      this.#countWaiting(waiting, -1);
      hopeful--;
      this.#count(kind, 1);
      const sealedBytes = kind.isSealed ? waiting.bytes : 0;
      this.#sealedBytes += sealedBytes;
      const slot = { kind };
      void this.begin(task, slot).finally(() => {
        this.#count(slot.kind, -1);
        this.#sealedBytes -= sealedBytes;
        this.#pump();
        this.#wakeUp();
      });
    }
  }

  #count(kind: NodeKind, change: number): void {
    if (kind.takesSteps) this.#apart += change;
    else if (kind.isSealed) this.#sealed += change;
    else this.#slotted += change;
    this.#running.set(kind.kind, (this.#running.get(kind.kind) ?? 0) + change);
  }

  #countWaiting({ kind, bytes }: Waiting, change: 1 | -1): void {
    this.#waitingOf.set(kind.kind, (this.#waitingOf.get(kind.kind) ?? 0) + change);
    this.#waitingBytes += change * bytes;
  }

  #wakeUp(): void {
    if (!this.#isFull) for (const wake of this.#wake.splice(0)) wake();
  }
}

import { adoptOutputs, type ExecutionId, isTerminal } from '@runlog/execution';
import type { Live } from './live.js';
import type { FetchedOutputs } from './reused-outputs.js';

export interface ResidentLimits {
  readonly executions: number;
  readonly bytes: number;
}

/** The executions of one partition that are in memory, about the least recently used first. Only what is stored as it stands is ever let go. */
export class Residents {
  readonly #all = new Map<ExecutionId, Live>();
  #dirty = new Set<Live>();
  #bytes = 0;

  constructor(private readonly limits: ResidentLimits) {}

  get size(): number {
    return this.#all.size;
  }

  get dirtyCount(): number {
    return this.#dirty.size;
  }

  get isOverLimit(): boolean {
    return this.#all.size > this.limits.executions || this.#bytes > this.limits.bytes;
  }

  has(id: ExecutionId): boolean {
    return this.#all.has(id);
  }

  get(id: ExecutionId): Live | undefined {
    const live = this.#all.get(id);
    // An order is needed only where some may soon have to go.
    if (live && (this.#all.size > this.limits.executions / 2 || this.#bytes > this.limits.bytes / 2)) {
      this.#all.delete(id);
      this.#all.set(id, live);
    }
    return live;
  }

  add(live: Live): void {
    this.#all.set(live.execution.id, live);
    this.#bytes += live.bytes;
  }

  /** It changed by an event of so many bytes. */
  touch(live: Live, bytes: number): void {
    live.bytes += bytes;
    this.#bytes += bytes;
    this.#dirty.add(live);
  }

  /** It takes over outputs of another execution: they are kept and stored as its own. */
  adopt(live: Live, { outputs, bodies, bytes }: FetchedOutputs): void {
    const adopted = adoptOutputs(live.execution, outputs, bodies);
    live.freshOutputs.push(...adopted);
    if (adopted.length + bodies.length > 0) this.touch(live, bytes);
  }

  /** Gives what must be stored, each once; the caller brings back with `restore` what it could not store. */
  takeDirty(): Live[] {
    const taken = [...this.#dirty];
    this.#dirty = new Set();
    return taken;
  }

  restore(lives: Iterable<Live>): void {
    for (const live of lives) this.#dirty.add(live);
  }

  /** Lets go of ended executions among the ones just stored, and of the least recently used ones above the limits. */
  release(stored: Iterable<Live>): void {
    for (const live of stored) if (isTerminal(live.execution.status) && isStored(live)) this.#drop(live);
    if (!this.isOverLimit) return;
    for (const live of this.#all.values()) {
      if (!this.isOverLimit) return;
      if (isStored(live)) this.#drop(live);
    }
  }

  #drop(live: Live): void {
    if (this.#all.delete(live.execution.id)) this.#bytes -= live.bytes;
  }
}

const isStored = (live: Live): boolean => live.stored === live.execution.version;

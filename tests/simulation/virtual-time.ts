interface Due {
  readonly at: number;
  readonly order: number;
  run: (() => void) | undefined;
  /** Runs no code of the product, so that nothing has to settle after it. */
  readonly quiet: boolean;
}

/** What a patched `setTimeout` gives back. */
class Timer {
  constructor(
    readonly due: () => Due,
    public repeatMs: number | undefined,
  ) {}

  ref = (): this => this;
  unref = (): this => this;
  hasRef = (): boolean => true;
}

/** More than any world takes that comes to rest. */
const turnsAtMost = 600_000;

const realImmediate = globalThis.setImmediate;
const settled = (): Promise<void> => new Promise((resolve) => realImmediate(resolve));

/**
 * The only clock and the only order of a simulated world. One event runs at a time; before the next one, everything that it set going has
 * come to rest (promise jobs run to exhaustion between two turns of the real event loop).
 */
export class VirtualTime {
  /** Milliseconds since the world began. */
  now = 0;
  /** Events that have run. */
  turns = 0;
  readonly #heap: Due[] = [];
  #order = 0;

  /** @param epoch what `Date.now()` says at the beginning. */
  constructor(readonly epoch: number) {}

  after(ms: number, run: () => void, quiet = false): Due {
    const due = { at: this.now + Math.max(0, ms), order: this.#order++, run, quiet };
    this.#push(due);
    return due;
  }

  /** Runs events until `done` or until nothing happens before `deadline`. */
  async runUntil(done: () => boolean, deadline: number): Promise<boolean> {
    await settled();
    while (!done()) {
      if (this.turns > turnsAtMost) return false;
      const due = this.#heap[0];
      if (!due || due.at > deadline) {
        this.now = Math.max(this.now, deadline);
        return false;
      }
      this.#pop();
      const { run } = due;
      if (!run) continue;
      due.run = undefined;
      this.now = Math.max(this.now, due.at);
      this.turns++;
      run();
      if (!due.quiet) await settled();
    }
    return true;
  }

  /** Puts this clock in the place of the global one, timers and randomness included. Gives what undoes it. */
  install(random: () => number): () => void {
    const patched = {
      setTimeout: (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => this.#timer(() => run(...args), Math.max(1, ms || 0), false),
      setInterval: (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => this.#timer(() => run(...args), Math.max(1, ms || 0), true),
      setImmediate: (run: (...args: unknown[]) => void, ...args: unknown[]) => this.#timer(() => run(...args), 0, false),
      clearTimeout: clear,
      clearInterval: clear,
      clearImmediate: clear,
    };
    const undo = [put(globalThis, patched), put(Date, { now: () => this.epoch + Math.floor(this.now) }), put(performance, { now: () => this.now }), put(Math, { random })];
    return () => {
      for (const step of undo) step();
    };
  }

  #timer(run: () => void, ms: number, repeats: boolean): Timer {
    let due: Due;
    const timer = new Timer(() => due, repeats ? ms : undefined);
    const fire = (): void => {
      run();
      if (timer.repeatMs !== undefined) due = this.after(timer.repeatMs, fire);
    };
    due = this.after(ms, fire);
    return timer;
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let child = heap.push(due) - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      const above = heap[parent] as Due;
      if (!isBefore(due, above)) break;
      heap[child] = above;
      child = parent;
    }
    heap[child] = due;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Due;
    if (heap.length === 0) return;
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Due, heap[child] as Due)) child++;
      if (!isBefore(heap[child] as Due, last)) break;
      heap[parent] = heap[child] as Due;
      parent = child;
    }
    heap[parent] = last;
  }
}

const isBefore = (a: Due, b: Due): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

const clear = (timer: unknown): void => {
  if (!(timer instanceof Timer)) return;
  timer.repeatMs = undefined;
  timer.due().run = undefined;
};

const put = (target: object, members: object): (() => void) => {
  const before = Object.fromEntries(Object.keys(members).map((name) => [name, Object.getOwnPropertyDescriptor(target, name)]));
  for (const [name, value] of Object.entries(members)) Object.defineProperty(target, name, { value, configurable: true, writable: true });
  return () => {
    for (const [name, descriptor] of Object.entries(before)) {
      if (descriptor) Object.defineProperty(target, name, descriptor);
      else delete (target as Record<string, unknown>)[name];
    }
  };
};

/** Places where answers hang until a test lets them go on: nothing is left to timing. A gate that nobody has opened is closed. */
export class Gates {
  #open = new Set();
  #waiting = new Map();

  /** Resolves when the gate is open; rejects with the reason of `signal`. */
  pass(name, signal) {
    if (this.#open.has(name)) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers();
    if (signal.aborted) return Promise.reject(signal.reason);
    const waiting = this.#waiting.get(name) ?? new Set();
    this.#waiting.set(name, waiting.add(resolve));
    signal.addEventListener(
      'abort',
      () => {
        waiting.delete(resolve);
        reject(signal.reason);
      },
      { once: true },
    );
    return promise;
  }

  open(name) {
    this.#open.add(name);
    for (const resolve of this.#waiting.get(name) ?? []) resolve();
    this.#waiting.delete(name);
  }

  close(name) {
    this.#open.delete(name);
  }

  get shown() {
    const names = new Set([...this.#open, ...this.#waiting.keys()]);
    return Object.fromEntries([...names].map((name) => [name, { isOpen: this.#open.has(name), waiting: this.#waiting.get(name)?.size ?? 0 }]));
  }
}

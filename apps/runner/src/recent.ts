/** Keeps the latest entries and forgets the oldest: what a runner remembers is bounded. */
export class Recent<Value> {
  readonly #entries = new Map<string, Value>();

  constructor(private readonly limit: number) {}

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.limit) this.#entries.delete(this.#entries.keys().next().value as string);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}

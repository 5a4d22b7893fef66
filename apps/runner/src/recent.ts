/** Remembers the latest keys, at least `most` and at most twice as many, and forgets the oldest together. */
export class Recent {
  #keys = new Set<string>();
  #older = new Set<string>();

  constructor(private readonly most: number) {}

  has(key: string): boolean {
    return this.#keys.has(key) || this.#older.has(key);
  }

  add(key: string): void {
    if (this.#keys.size >= this.most) {
      this.#older = this.#keys;
      this.#keys = new Set();
    }
    this.#keys.add(key);
  }

  delete(key: string): void {
    this.#keys.delete(key);
    this.#older.delete(key);
  }
}

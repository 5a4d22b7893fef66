const generation = 50_000;

/**
 * Tells, without asking the database, that an execution cannot exist yet. UUIDv7 sort by time: an id above `floor`, the newest one
 * created before, exists exactly if it was remembered here. Ids of other versions say nothing and are never remembered.
 */
export class KnownIds {
  #recent = new Set<string>();
  #older = new Set<string>();
  #newest: string;

  constructor(private floor: string) {
    this.#newest = floor;
  }

  /** No id created so far is above it; '' before the first. */
  get newest(): string {
    return this.#newest;
  }

  remember(id: string): void {
    if (!isTimed(id)) return;
    if (id > this.#newest) this.#newest = id;
    if (id <= this.floor) return;
    this.#recent.add(id);
    if (this.#recent.size < generation) return;
    for (const dropped of this.#older) if (dropped > this.floor) this.floor = dropped;
    this.#older = this.#recent;
    this.#recent = new Set();
  }

  isNew(id: string): boolean {
    return isTimed(id) && id > this.floor && !this.#recent.has(id) && !this.#older.has(id);
  }
}

const isTimed = (id: string): boolean => id[14] === '7';

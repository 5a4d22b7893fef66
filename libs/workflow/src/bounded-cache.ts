/** A map that forgets its least recently used entry once it holds `capacity` of them; as it gets there, the oldest. */
export class BoundedCache<Key, Value> {
  private readonly entries = new Map<Key, Value>();

  constructor(private readonly capacity: number) {}

  /** The cached value, made by `make` when it is missing. What `make` throws is not remembered. */
  get(key: Key, make: (key: Key) => Value): Value {
    const known = this.entries.get(key);
    if (known !== undefined) {
      if (this.entries.size < this.capacity) return known;
      this.entries.delete(key);
      this.entries.set(key, known);
      return known;
    }
    const made = make(key);
    this.entries.set(key, made);
    if (this.entries.size > this.capacity)
      for (const oldest of this.entries.keys()) {
        this.entries.delete(oldest);
        break;
      }
    return made;
  }
}

/** Things that fall due, earliest first: a binary heap. Nothing is ever removed early; whoever takes an item checks that it still holds. */
export class Clockwork<Item> {
  private readonly heap: { readonly at: number; readonly item: Item }[] = [];

  get size(): number {
    return this.heap.length;
  }

  /** When the earliest item falls due. */
  get next(): number | undefined {
    return this.heap[0]?.at;
  }

  set(at: number, item: Item): void {
    const { heap } = this;
    let child = heap.push({ at, item }) - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (this.at(parent) <= this.at(child)) break;
      this.swap(parent, child);
      child = parent;
    }
  }

  /** Takes the earliest item if it is due at `now`. */
  take(now: number): Item | undefined {
    const { heap } = this;
    const first = heap[0];
    if (!first || first.at > now) return undefined;
    const last = heap.pop();
    if (last && heap.length > 0) {
      heap[0] = last;
      this.sink();
    }
    return first.item;
  }

  private sink(): void {
    for (let parent = 0; ; ) {
      const left = 2 * parent + 1;
      const child = this.at(left + 1) < this.at(left) ? left + 1 : left;
      if (this.at(child) >= this.at(parent)) return;
      this.swap(parent, child);
      parent = child;
    }
  }

  private at(index: number): number {
    return this.heap[index]?.at ?? Number.POSITIVE_INFINITY;
  }

  private swap(a: number, b: number): void {
    const { heap } = this;
    const held = heap[a];
    if (held && heap[b]) {
      heap[a] = heap[b];
      heap[b] = held;
    }
  }
}

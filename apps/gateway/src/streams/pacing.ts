/** So much is held for one client at a time, roughly: what it has not taken yet is read again later. In bytes. */
const HELD = 128 * 1024;
const FIRST_ROWS = 8;
const MOST_ROWS = 500;

/** How many rows of a history to read next, so that a client that takes nothing keeps little. */
export class PageSize {
  rows = FIRST_ROWS;

  /** After a page of so many rows and bytes. */
  saw(rows: number, bytes: number): void {
    if (rows === 0) return;
    const fitting = Math.floor((HELD * rows) / Math.max(bytes, 1));
    this.rows = Math.min(MOST_ROWS, Math.max(1, Math.min(fitting, this.rows * 4)));
  }
}

/** Cuts items into runs of about `HELD` bytes, in order; one that is larger is alone. */
export function* runsOf<Item>(items: readonly Item[], bytesOf: (item: Item) => number): Generator<readonly Item[]> {
  let from = 0;
  let bytes = 0;
  for (const [at, item] of items.entries()) {
    const size = bytesOf(item);
    if (at > from && bytes + size > HELD) {
      yield items.slice(from, at);
      from = at;
      bytes = 0;
    }
    bytes += size;
  }
  if (from < items.length) yield items.slice(from);
}

const MOST = 1000;
const MOST_BYTES = 1024 * 1024;

/** What arrives while a client still takes what came before: bounded; when it is full all of it is dropped, and who reads knows up to which version. */
export class LiveBuffer<Item extends { readonly version: number }> {
  private items: Item[] = [];
  private bytes = 0;
  private droppedUpTo: number | null = null;
  private onFilled: (() => void) | undefined;

  constructor(private readonly sizeOf: (item: Item) => number) {}

  push(items: readonly Item[]): void {
    for (const item of items) {
      this.bytes += this.sizeOf(item);
      this.items.push(item);
      if (this.droppedUpTo === null && this.items.length <= MOST && this.bytes <= MOST_BYTES) continue;
      this.droppedUpTo = item.version;
      this.items = [];
      this.bytes = 0;
    }
    this.wake();
  }

  /** Everything so far. `overflowed`: there was more, up to this version, and it was dropped. */
  take(): { events: readonly Item[]; overflowed: number | null } {
    const taken = { events: this.items, overflowed: this.droppedUpTo };
    this.items = [];
    this.bytes = 0;
    this.droppedUpTo = null;
    return taken;
  }

  /** True when there is something to take or after `wake`; false when nothing came for that long. */
  filled(withinMs: number): Promise<boolean> {
    if (this.items.length > 0 || this.droppedUpTo !== null) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), withinMs);
      this.onFilled = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  wake(): void {
    this.onFilled?.();
    this.onFilled = undefined;
  }
}

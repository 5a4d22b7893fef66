/** How much is kept for one reader. */
export interface Room {
  readonly items: number;
  readonly bytes: number;
}

const USUAL: Room = { items: 1000, bytes: 1024 * 1024 };

/** What arrives while a client still takes what came before: bounded; when it is full all of it is dropped, and who reads knows up to which place. */
export class LiveBuffer<Item> {
  private items: Item[] = [];
  private bytes = 0;
  private droppedUpTo: number | null = null;
  private onFilled: (() => void) | undefined;

  constructor(
    private readonly sizeOf: (item: Item) => number,
    /** Where an item stands among all. */
    private readonly placeOf: (item: Item) => number,
    private readonly room: Room = USUAL,
  ) {}

  push(items: readonly Item[]): void {
    for (const item of items) {
      this.bytes += this.sizeOf(item);
      this.items.push(item);
      if (this.droppedUpTo === null && this.items.length <= this.room.items && this.bytes <= this.room.bytes) continue;
      this.droppedUpTo = this.placeOf(item);
      this.items = [];
      this.bytes = 0;
    }
    this.wake();
  }

  /** Everything so far. `overflowed`: there was more, up to this place, and it was dropped. */
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

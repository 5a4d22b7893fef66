import type { EventLog, Subscription } from '@runlog/event-log';

/** Tells followers of an execution's log that a frame of it came by. Frames are only read while somebody follows. */
export class Frames {
  private readonly watchers = new Map<string, Set<() => void>>();
  private subscription: Promise<Subscription> | undefined;

  constructor(private readonly log: EventLog) {}

  /** Until the returned function is called. */
  watch(executionId: string, onFrame: () => void): () => void {
    const watchers = this.watchers.get(executionId) ?? new Set();
    this.watchers.set(executionId, watchers.add(onFrame));
    this.subscription ??= this.log.tail({
      topic: 'execution-frames',
      start: async () => 'end',
      onBatch: async ({ records }) => {
        for (const key of new Set(records.map((record) => record.key))) for (const watcher of this.watchers.get(key) ?? []) watcher();
      },
    });
    this.subscription.catch(() => {
      this.subscription = undefined;
    });
    return () => {
      watchers.delete(onFrame);
      if (watchers.size > 0) return;
      this.watchers.delete(executionId);
      if (this.watchers.size === 0) void this.stop();
    };
  }

  async stop(): Promise<void> {
    const subscription = this.subscription;
    this.subscription = undefined;
    await subscription?.then(
      (one) => one.stop(),
      () => undefined,
    );
  }
}

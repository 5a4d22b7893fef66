import { decodeJson, decodeOrDeadLetter, type EventLog, type Subscription } from '@runlog/event-log';
import type { Heartbeat, RunnerId } from '@runlog/execution';

/** Heartbeats tell of seconds. */
const APART_MS = 50;

/** The runners whose heartbeats came by of late: who could run a node, and whether it has room. */
export class RunnersSeen {
  private readonly heard = new Map<RunnerId, { heartbeat: Heartbeat; at: number }>();
  private subscription: Subscription | undefined;

  /** @param aliveMs A runner that was not heard for longer counts as gone. */
  constructor(
    private readonly log: EventLog,
    private readonly aliveMs: number,
  ) {}

  async start(): Promise<void> {
    this.subscription = await this.log.tail({
      topic: 'runner-heartbeats',
      start: async () => 'end',
      apartMs: () => APART_MS,
      onBatch: async ({ records }) => {
        for (const heartbeat of await decodeOrDeadLetter(this.log, records, (record) => decodeJson<Heartbeat>(record))) this.hear(heartbeat);
      },
    });
  }

  async stop(): Promise<void> {
    await this.subscription?.stop();
  }

  /** Alive and taking tasks. */
  get alive(): Heartbeat[] {
    const since = performance.now() - this.aliveMs;
    for (const [runner, { at }] of this.heard) if (at < since) this.heard.delete(runner);
    return [...this.heard.values()].map(({ heartbeat }) => heartbeat).filter(({ stopping }) => !stopping);
  }

  private hear(heartbeat: Heartbeat): void {
    this.heard.set(heartbeat.runner, { heartbeat, at: performance.now() });
  }
}

import { type EventLog, encodeJson, partitionOf } from '@runlog/event-log';
import type { Frame } from '@runlog/execution';
import { Outbox } from './outbox.js';

/** Logs may come a little later than events; meanwhile they collect. */
const LINGER_MS = 20;
/** Somebody may be watching: these wait for nothing but a send that is under way. */
const AGENT_LINGER_MS = 0;
/** With the log away for long, newer frames are dropped beyond this. */
const MAX_WAITING = 10_000;

/** The way of frames to `execution-frames`: collected, bounded, never in a node's way. */
export class Frames {
  readonly #outbox: Outbox;
  #dropped = 0;
  #numbered = 0;
  #inFlight = new Set<Promise<void>>();

  constructor(
    private readonly log: EventLog,
    private readonly runner: string,
  ) {
    this.#outbox = new Outbox(log, 'execution-frames');
  }

  get dropped(): number {
    return this.#dropped;
  }

  send(frame: Frame): void {
    if (this.#outbox.length >= MAX_WAITING) return void this.#dropped++;
    const partition = partitionOf(frame.executionId, this.log.partitions('execution-frames'));
    const sent = this.#outbox.send(partition, encodeJson(frame.executionId, frame), LINGER_MS, 'soon').catch(() => void this.#dropped++);
    this.#inFlight.add(sent);
    void sent.finally(() => this.#inFlight.delete(sent));
  }

  /** Resolves when the frame is on the log: of those that must not get lost, whose sender keeps few at a time. */
  deliver(frame: Frame): Promise<void> {
    const partition = partitionOf(frame.executionId, this.log.partitions('execution-frames'));
    return this.#outbox.send(partition, encodeJson(frame.executionId, frame), AGENT_LINGER_MS);
  }

  /** Unique per line of this runner: doubles are told apart by it. */
  nextDedupe(): string {
    return `${this.runner}:${++this.#numbered}`;
  }

  /** Resolves when every frame given so far is sent or lost. */
  async drained(): Promise<void> {
    await Promise.all(this.#inFlight);
  }
}

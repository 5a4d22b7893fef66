import { type EventLog, encodeJson, partitionOf, type Urgency } from '@runlog/event-log';
import type { Frame, LoggedLine, NodeTask } from '@runlog/execution';
import { LogLines } from './log-lines.js';
import { Outbox } from './outbox.js';

/** Reports that came too late may be told a little later; meanwhile they collect. */
const LINGER_MS = 20;
/** With the log away for long, newer ones are dropped beyond this. */
const MAX_WAITING = 10_000;

/** The way of frames to `execution-frames`: collected, bounded, never in a node's way. */
export class Frames {
  readonly #outbox: Outbox;
  readonly #lines: LogLines;
  #dropped = 0;
  #numbered = 0;
  #inFlight = new Set<Promise<unknown>>();

  constructor(
    private readonly eventLog: EventLog,
    runner: string,
  ) {
    this.#outbox = new Outbox(eventLog, 'execution-frames');
    this.#lines = new LogLines(
      (frame) => this.#put({ ...frame, dedupe: `${runner}:${++this.#numbered}` }, 0, 'soon'),
      (lines) => void (this.#dropped += lines),
    );
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** A log line of about so many UTF-16 units; it may wait for others a little. */
  log(task: Pick<NodeTask, 'executionId' | 'workspaceId'>, line: LoggedLine, chars: number): void {
    this.#lines.add(task, line, chars);
  }

  /** The lines of the execution so far wait no longer, but for those that left before: undefined, or resolves, once they are on their way. */
  flush(executionId: string): Promise<void> | undefined {
    return this.#lines.flush(executionId);
  }

  send(frame: Frame): void {
    if (this.#outbox.length >= MAX_WAITING) return void this.#dropped++;
    const sent = this.#put(frame, LINGER_MS, 'soon').catch(() => void this.#dropped++);
    this.#inFlight.add(sent);
    void sent.finally(() => this.#inFlight.delete(sent));
  }

  /** Resolves when the frame is on the log, waiting for nothing but a send that is under way: of those that must not get lost, whose sender keeps few at a time. */
  deliver(frame: Frame): Promise<void> {
    return this.#put(frame, 0, 'now');
  }

  /** Resolves when every frame given so far is sent or lost. */
  async drained(): Promise<void> {
    await Promise.all([this.#lines.drained(), ...this.#inFlight]);
  }

  #put(frame: Frame, lingerMs: number, urgency: Urgency): Promise<void> {
    const partition = partitionOf(frame.executionId, this.eventLog.partitions('execution-frames'));
    return this.#outbox.send(partition, encodeJson(frame.executionId, frame), lingerMs, urgency);
  }
}

import { setTimeout as delay } from 'node:timers/promises';
import { type Frame, type LoggedLine, type NodeTask } from '@runlog/execution';

type Lines = Extract<Frame, { type: 'lines' }>;

/** What a node writes while it goes on running is shown after so long. */
const LINGER_MS = 20;
/** The same where the lines of many executions wait: nobody watches them all, and each frame costs. */
const CROWD = 16;
const CROWD_LINGER_MS = 100;
/** A frame is closed with so many lines, or beyond so much text, in UTF-16 units. */
const FRAME_LINES = 256;
const FRAME_CHARS = 64 * 1024;
/** With the log away, lines do not hold up reports for longer. */
const REPORTS_WAIT_MS = 200;
/** With the log away for long, newer lines are dropped beyond this. */
const MAX_WAITING = 10_000;

/** The lines of one execution that wait. */
interface Open {
  readonly executionId: string;
  readonly workspaceId: string;
  lines: LoggedLine[];
  chars: number;
  /** When the first of them was written, ms. */
  since: number;
  sending: Promise<void> | undefined;
  /** The same, but not for ever: what reports wait for, all for one. */
  awaited: Promise<void> | undefined;
  /** They leave as soon as what left before is on the log. */
  isDue: boolean;
  /** They leave at the end of this turn of the event loop. */
  isLeaving: boolean;
}

/** Log lines on their way into frames: those of one execution travel together, in order, one frame after the other. */
export class LogLines {
  readonly #open = new Map<string, Open>();
  #timer: NodeJS.Timeout | undefined;
  #waiting = 0;

  constructor(
    private readonly send: (frame: Omit<Lines, 'dedupe'>) => Promise<void>,
    private readonly onDropped: (lines: number) => void,
  ) {}

  add({ executionId, workspaceId }: Pick<NodeTask, 'executionId' | 'workspaceId'>, line: LoggedLine, chars: number): void {
    if (this.#waiting >= MAX_WAITING) return this.onDropped(1);
    this.#waiting++;
    let open = this.#open.get(executionId);
    if (!open) {
      open = { executionId, workspaceId, lines: [], chars: 0, since: 0, sending: undefined, awaited: undefined, isDue: false, isLeaving: false };
      this.#open.set(executionId, open);
    }
    if (open.lines.length === 0) open.since = Date.now();
    open.lines.push(line);
    open.chars += chars;
    if (open.lines.length === FRAME_LINES || open.chars > FRAME_CHARS) this.#send(open);
    else this.#timer ??= setTimeout(this.#sweep, LINGER_MS);
  }

  /** What the execution has written so far need not wait for more: undefined, or resolves, once it is on its way, with what others end in the same turn, or could not leave for a while. */
  flush(executionId: string): Promise<void> | undefined {
    const open = this.#open.get(executionId);
    if (!open) return undefined;
    if (open.sending) {
      this.#due(open);
      if (!open.isDue) return undefined;
      open.awaited ??= Promise.race([open.sending, delay(REPORTS_WAIT_MS, undefined, { ref: false })]);
      return open.awaited;
    }
    if (!open.isLeaving)
      process.nextTick(() => {
        open.isLeaving = false;
        if (open.lines.length > 0) this.#due(open);
      });
    open.isLeaving = true;
    return undefined;
  }

  /** Resolves when every line given so far is on the log or lost. */
  async drained(): Promise<void> {
    while (this.#open.size > 0) {
      for (const open of this.#open.values()) this.#due(open);
      await Promise.all([...this.#open.values()].map(({ sending }) => sending));
    }
  }

  #due(open: Open): void {
    if (!open.sending) this.#send(open);
    else if (open.lines.length > 0) open.isDue = true;
  }

  #send(open: Open): void {
    const { executionId, workspaceId, lines } = open;
    open.lines = [];
    open.chars = 0;
    open.isDue = false;
    open.awaited = undefined;
    const sending = this.send({ type: 'lines', executionId, workspaceId, lines })
      .catch(() => this.onDropped(lines.length))
      .then(() => {
        this.#waiting -= lines.length;
        if (open.sending !== sending) return;
        open.sending = undefined;
        if (open.lines.length === 0) this.#open.delete(executionId);
        else if (open.isDue) this.#send(open);
      });
    open.sending = sending;
  }

  readonly #sweep = (): void => {
    this.#timer = undefined;
    const lingerMs = this.#open.size > CROWD ? CROWD_LINGER_MS : LINGER_MS;
    const now = Date.now();
    let next = Infinity;
    for (const open of this.#open.values()) {
      if (open.lines.length === 0 || open.isDue) continue;
      if (open.since + lingerMs <= now + 1) this.#due(open);
      else next = Math.min(next, open.since + lingerMs);
    }
    // Where a crowd goes, those that are left are shown soon.
    if (next < Infinity) this.#timer = setTimeout(this.#sweep, Math.min(next - now, LINGER_MS));
  };
}

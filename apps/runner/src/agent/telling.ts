import type { AgentFrame, NodeTask } from '@runlog/execution';
import type { Frames } from '../frames.js';

type Text = Extract<AgentFrame, { kind: 'content' | 'thinking' }>;

/** The first piece goes at once; the next ones collect for so long, and while one is on its way. */
const LINGER_MS = 5;
/** One frame holds at most so much text. */
const MAX_FRAME_CHARS = 32_768;
const AGAIN_MS = 250;

const isText = (frame: AgentFrame): frame is Text => frame.kind === 'content' || frame.kind === 'thinking';

/** What an agent does, on its way to whoever watches: in order, nothing left out, text that follows on text in one frame. */
export class Telling {
  #queue: AgentFrame[] = [];
  #last = 0;
  #timer: NodeJS.Timeout | undefined;
  #isSending = false;
  #empty: (() => void)[] = [];

  /** `version`: the execution's, as far as the runner knows. */
  constructor(
    private readonly task: Pick<NodeTask, 'executionId' | 'workspaceId' | 'node' | 'attempt'>,
    private readonly frames: Pick<Frames, 'deliver'>,
    private readonly version: () => number,
    private readonly signal: AbortSignal,
  ) {}

  tell(frame: AgentFrame): void {
    const last = this.#queue.at(-1);
    if (last && isText(last) && isText(frame) && last.kind === frame.kind && last.text.length + frame.text.length <= MAX_FRAME_CHARS)
      this.#queue[this.#queue.length - 1] = { ...last, text: last.text + frame.text };
    else this.#queue.push(frame);
    if (this.#isSending || this.#timer) return;
    const wait = this.#last + LINGER_MS - performance.now();
    if (wait <= 0) queueMicrotask(() => void this.#send());
    else this.#timer = setTimeout(() => void this.#send(), wait);
  }

  /** Resolves once everything told so far is on the log; at once when the attempt has been aborted. */
  async told(): Promise<void> {
    if (this.#queue.length === 0 && !this.#isSending) return;
    if (this.signal.aborted) return;
    await new Promise<void>((empty) => {
      this.#empty.push(empty);
      this.signal.addEventListener('abort', () => empty(), { once: true });
    });
  }

  async #send(): Promise<void> {
    this.#timer = undefined;
    if (this.#isSending) return;
    this.#isSending = true;
    const { executionId, workspaceId, node, attempt } = this.task;
    while (this.#queue.length > 0) {
      const sent = this.#queue;
      this.#queue = [];
      const version = this.version();
      const about = { type: 'agent', executionId, workspaceId, node, attempt, at: Date.now(), version, generation: attempt } as const;
      try {
        await Promise.all(sent.map((frame) => this.frames.deliver({ ...about, frame })));
      } catch {
        // Frames of an attempt that is over are nobody's business; any other's are sent again: readers tell texts by their place.
        if (this.signal.aborted) this.#queue = [];
        else {
          this.#queue.unshift(...sent);
          await new Promise((again) => setTimeout(again, AGAIN_MS));
        }
      }
      if (this.#queue.length > 0) await new Promise((again) => setTimeout(again, LINGER_MS));
    }
    this.#last = performance.now();
    this.#isSending = false;
    for (const empty of this.#empty.splice(0)) empty();
  }
}

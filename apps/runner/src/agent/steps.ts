import { pause } from '@runlog/event-log';
import type { CallGate, CallIntent, CallRecord, Reply } from '@runlog/execution';
import { Disowned } from '../attempt-failure.js';
import type { About } from '../commands-out.js';
import { NodeFailure, terminal } from '../kinds/node-kind.js';

/** No answer for so long: the reply may have been lost with the engine's owner. The same step is asked for again. */
const ASK_AGAIN_MS = 3_000;
/** The engine's reasons that say that the attempt is over, or about to be. */
const overFor: ReadonlySet<string> = new Set(['attempt_over', 'cancel_requested', 'execution_ended', 'execution_unknown']);
/** Other calls hold what is left of the budget. */
const BUSY_AGAIN_MS = 200;
/** What a call came to waits so long for others, or for the step that follows, to be told with them. */
const RECORD_WITHIN_MS = 150;
/** After a refusal the signal to stop may still be on its way. */
const STOP_COMES_WITHIN_MS = 5_000;

/** The runner lets go of the agent: people are asked, and another attempt goes on. */
class LetGo extends Disowned {}

type Step = Extract<About, { nth: number }>;
type Sends = (about: Step) => Promise<void>;

/** How an attempt of an agent tells the engine of its calls and asks for the next: one step at a time, each on the engine's word. */
export class Steps {
  #nth = 0;
  #version: number;
  #pending: CallRecord[] = [];
  /** What the step that is being asked for tells. */
  #asked: readonly CallRecord[] = [];
  #timer: NodeJS.Timeout | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #reply: { readonly nth: number; hear(reply: Reply): void; leave(): void } | undefined;
  #isOver = false;

  constructor(
    private readonly send: Sends,
    private readonly signal: AbortSignal,
  ) {
    this.#version = 0;
  }

  /** The execution's, as the engine last said. */
  get version(): number {
    return this.#version;
  }

  /** The engine's answer to the nth step. */
  hear(nth: number, reply: Reply): void {
    if (this.#reply?.nth === nth) this.#reply.hear(reply);
  }

  /** What a call came to; told with the next step, or soon without one. */
  record(record: CallRecord): void {
    this.#pending.push(record);
    if (!this.#isOver) this.#timer ??= setTimeout(() => this.#flush(), RECORD_WITHIN_MS);
  }

  /** Resolves when the calls may be made. Rejects when the attempt is over, with what to report. */
  begin(begins: readonly CallIntent[]): Promise<void> {
    return this.#inTurn((nth, records) => ({ type: 'TakeStep', nth, records, begins }));
  }

  /** Asks people and lets go. Never resolves. */
  async park(asks: readonly CallGate[]): Promise<never> {
    await this.#inTurn((nth, records) => ({ type: 'ParkNode', nth, records, asks }));
    throw new LetGo('people are asked');
  }

  /** What has not been told for certain: goes with the report. From here on nothing is asked, and no answer awaited. */
  rest(): readonly CallRecord[] {
    clearTimeout(this.#timer);
    this.#isOver = true;
    this.#reply?.leave();
    return [...this.#asked, ...this.#pending.splice(0)];
  }

  #flush(): void {
    this.#timer = undefined;
    // It fails of an attempt that is over only, whose report takes what it would have told (`rest`).
    if (this.#pending.length > 0) this.begin([]).catch(() => undefined);
  }

  #inTurn(step: (nth: number, records: readonly CallRecord[]) => Step): Promise<void> {
    const mine = this.#turn.then(() => {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      if (this.#isOver) throw new Disowned('the attempt has ended');
      this.#asked = this.#pending.splice(0);
      return this.#ask(step(++this.#nth, this.#asked));
    });
    // Whoever took this step hears that it failed; the next one has its turn all the same.
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async #ask(step: Step): Promise<void> {
    for (;;) {
      const reply = await this.#answer(step);
      if (reply.type === 'accepted' || reply.type === 'unchanged') {
        this.#version = Math.max(this.#version, reply.version);
        this.#asked = [];
        return;
      }
      if (reply.type !== 'refused') continue;
      const { reason, because } = reply.rejection;
      if (reason === 'parked') throw new LetGo(because);
      if (reason === 'budget_exhausted' || reason === 'price_unknown') throw terminal(reason, because);
      if (overFor.has(reason)) throw await this.#over(because);
      if (reason !== 'budget_busy') throw new NodeFailure({ code: 'internal', message: because, retryable: true });
      await pause(BUSY_AGAIN_MS, this.signal);
      this.signal.throwIfAborted();
    }
  }

  async #answer(step: Step): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    // Aborted while the step is being sent, nobody waits for it yet.
    promise.catch(() => undefined);
    const abort = () => reject(this.signal.reason);
    if (this.signal.aborted) throw this.signal.reason;
    this.signal.addEventListener('abort', abort, { once: true });
    this.#reply = { nth: step.nth, hear: resolve, leave: () => reject(new Disowned('the attempt has ended')) };
    // Not sent is as good as not answered: it is asked again.
    const ask = () => void this.send(step).catch(() => undefined);
    const again = setInterval(ask, ASK_AGAIN_MS);
    ask();
    try {
      return await promise;
    } finally {
      clearInterval(again);
      this.#reply = undefined;
      this.signal.removeEventListener('abort', abort);
    }
  }

  /** The attempt is not this runner's any more, or it is being stopped: then the signal says what to report. */
  async #over(because: string): Promise<Error> {
    await pause(STOP_COMES_WITHIN_MS, this.signal);
    return this.signal.aborted ? (this.signal.reason as Error) : new Disowned(because);
  }
}

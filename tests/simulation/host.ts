import type { VirtualTime } from './virtual-time.js';
import type { Port, Weather } from './weather.js';

/** What a call does where it is served. `done` and `failed` may be called later, where it waits for a lock. */
type Serve<Answer> = (done: (answer: Answer) => void, failed: (error: Error) => void) => void;

interface Call<Answer> {
  readonly port: Port;
  readonly serve: Serve<Answer>;
  /** What a swallowed call is answered with; without one it is served. */
  readonly swallowed?: Answer;
  /** Rejects the call before its answer, e.g. because its connection is closed. It may still be served. */
  readonly cancelled?: (cancel: (error: Error) => void) => void;
  /** Not before this; told when it is served, so that calls on one connection keep their order. */
  readonly notBefore?: number;
  readonly departs?: (at: number) => void;
}

/** One process of the simulated world. Killed, it hears nothing and says nothing any more; while it stands still, later. */
export class Host {
  isAlive = true;
  /** Until then it stands still. */
  wakesAt = 0;
  readonly #ending: (() => void)[] = [];

  constructor(
    readonly name: string,
    readonly time: VirtualTime,
    readonly weather: Weather,
    private readonly crash: (host: Host) => void,
    /** Whether it may crash at any call of a port. */
    private readonly isMortal: boolean,
  ) {}

  /** Runs once this host gets to it; never when it is dead by then. */
  hear(ms: number, run: () => void): void {
    const { time } = this;
    const at = Math.max(time.now + ms, this.wakesAt);
    time.after(at - time.now, () => {
      if (!this.isAlive) return;
      if (this.wakesAt > time.now) this.hear(0, run);
      else run();
    });
  }

  call<Answer>({ port, serve, swallowed, cancelled, notBefore = 0, departs }: Call<Answer>): Promise<Answer> {
    const { time, weather } = this;
    return new Promise((resolve, reject) => {
      if (!this.isAlive || this.#crashesHere()) return;
      cancelled?.(reject);
      const outcome = weather.outcome(port, time.now);
      const failed = (error: Error): void => this.hear(weather.latency(time.now), () => reject(error));
      const answered = (answer: Answer): void => {
        if (!this.isAlive || this.#crashesHere()) return;
        this.hear(weather.latency(time.now), () => resolve(answer));
      };
      if (outcome === 'refused') return failed(new Error(`the ${port} was refused`));
      if (outcome === 'swallowed' && swallowed !== undefined) return answered(swallowed);
      const leavesAt = Math.max(time.now, this.wakesAt);
      const giveUpAt = leavesAt + weather.timeoutMs();
      const isHeard = outcome === 'ok' || outcome === 'swallowed';
      if (!isHeard) this.hear(giveUpAt - time.now, () => reject(new Error(`the ${port} was not answered in time`)));
      if (outcome === 'lost') return;
      const arrivesAt = Math.max(notBefore, outcome === 'late' ? giveUpAt + weather.latenessMs() : leavesAt + weather.latency(time.now));
      departs?.(arrivesAt);
      const wasAsleep = leavesAt > time.now;
      time.after(
        arrivesAt - time.now,
        () => {
          if (wasAsleep && !this.isAlive) return;
          serve(isHeard ? answered : () => undefined, isHeard ? failed : () => undefined);
        },
        true,
      );
    });
  }

  /** Undone when the process ends, however it ends. */
  atEnd(undo: () => void): void {
    this.#ending.push(undo);
  }

  end(): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    for (const undo of this.#ending.splice(0)) undo();
  }

  #crashesHere(): boolean {
    if (!this.isMortal || !this.weather.crashesHere(this.time.now)) return false;
    this.crash(this);
    return true;
  }
}

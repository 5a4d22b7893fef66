import type { LogRecord, NewRecord, Topic } from '@runlog/event-log';
import { retrying } from '../../libs/event-log/src/kafka/retry.js';
import type { Wire } from '../../libs/event-log/src/kafka/wire.js';
import type { Broker } from './broker.js';
import type { Host } from './host.js';

interface Part {
  readonly topic: Topic;
  readonly partition: number;
  readonly records: readonly NewRecord[];
}

type Fetched = { readonly records: readonly LogRecord[]; readonly next: number; readonly end: number };

/** A connection of a process to the broker. Closing it rejects what is under way, which may take effect all the same. */
class SimulatedLine {
  readonly nodeId = 1;
  readonly #cancels = new Set<(error: Error) => void>();
  #busyUntil = 0;
  #lastBase = -1;

  constructor(
    private readonly host: Host,
    private readonly broker: Broker,
  ) {}

  close(): void {
    for (const cancel of this.#cancels) cancel(new Error('the connection was closed by this side'));
    this.#cancels.clear();
  }

  produce(parts: readonly Part[]): Promise<number[]> {
    const isAppend = parts.some(({ topic }) => topic === 'execution-events');
    return this.#tracked((cancelled) =>
      this.host.call({
        port: isAppend ? 'append' : 'send',
        cancelled,
        notBefore: this.#busyUntil,
        departs: (at) => {
          this.#busyUntil = at;
        },
        ...(isAppend ? { swallowed: [this.#lastBase] } : {}),
        serve: (done) => {
          const bases = parts.map(({ topic, partition, records }) => this.broker.append(topic, partition, records));
          this.#lastBase = bases[0] ?? -1;
          done(bases);
        },
      }),
    );
  }

  fetch(topic: Topic, partition: number, from: number, _maxBytes: number, waitMs: number): Promise<Fetched> {
    const { broker, host } = this;
    return this.#tracked((cancelled) =>
      host.call<Fetched>({
        port: 'fetch',
        cancelled,
        serve: (done, failed) => {
          let isOpen = true;
          const answer = (): void => {
            if (!isOpen) return;
            isOpen = false;
            const all = broker.records(topic, partition);
            if (from > all.length) failed(Object.assign(new Error('offset out of range'), { type: 'OFFSET_OUT_OF_RANGE' }));
            else done({ records: all.slice(from, from + 1_000), next: Math.min(all.length, from + 1_000), end: all.length });
          };
          if (broker.records(topic, partition).length !== from || waitMs === 0) return answer();
          broker.onMore(topic, partition, answer);
          host.time.after(waitMs, answer, true);
        },
      }),
    );
  }

  offsets(wanted: readonly { readonly topic: Topic; readonly partition: number }[], which: 'begin' | 'end'): Promise<number[]> {
    return this.#tracked((cancelled) =>
      this.host.call({
        port: 'ask',
        cancelled,
        serve: (done) => done(wanted.map(({ topic, partition }) => (which === 'begin' ? 0 : this.broker.records(topic, partition).length))),
      }),
    );
  }

  #tracked<Answer>(call: (cancelled: (cancel: (error: Error) => void) => void) => Promise<Answer>): Promise<Answer> {
    let own: ((error: Error) => void) | undefined;
    const forget = (): void => {
      if (own) this.#cancels.delete(own);
    };
    const answer = call((cancel) => {
      own = cancel;
      this.#cancels.add(cancel);
    });
    answer.then(forget, forget);
    return answer;
  }
}

/** What the Kafka adapter's parts take for their way to the cluster. */
export class SimulatedWire {
  readonly #ending = new AbortController();

  constructor(
    private readonly host: Host,
    private readonly broker: Broker,
  ) {
    host.atEnd(() => this.#ending.abort());
  }

  get closed(): AbortSignal {
    return this.#ending.signal;
  }

  /** As the type that the adapter's parts ask for; they use no more than this class has. */
  get asWire(): Wire {
    return this as unknown as Wire;
  }

  forget(): void {}

  report(): void {}

  leader(): Promise<number> {
    return Promise.resolve(1);
  }

  line(): Promise<SimulatedLine> {
    return Promise.resolve(new SimulatedLine(this.host, this.broker));
  }

  lineToLeader(): Promise<SimulatedLine> {
    return this.line();
  }

  borrow<Result>(_topic: Topic, _partition: number, use: (line: SimulatedLine) => Promise<Result>): Promise<Result> {
    return use(new SimulatedLine(this.host, this.broker));
  }

  retrying<Result>(_what: string, work: () => Promise<Result>, signal?: AbortSignal, withinMs?: number): Promise<Result> {
    return retrying(work, { signal: signal ? AbortSignal.any([signal, this.closed]) : this.closed, ...(withinMs === undefined ? {} : { withinMs }) });
  }
}

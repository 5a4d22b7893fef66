import type { Topic } from '@runlog/event-log';
import { type FetchAnswer, type FetchAsk, type FetchedPart, type Part, slotOf, type Wanted } from '../../libs/event-log/src/kafka/requests.js';
import { retrying } from '../../libs/event-log/src/kafka/retry.js';
import type { Wire } from '../../libs/event-log/src/kafka/wire.js';
import type { Broker } from './broker.js';
import type { Host } from './host.js';

/** A connection of a process to the broker. Closing it rejects what is under way, which may take effect all the same. */
class SimulatedLine {
  readonly nodeId = 1;
  readonly #cancels = new Set<(error: Error) => void>();
  #busyUntil = 0;
  #lastBases = new Map<string, number>();
  /** What this connection's fetch session holds. */
  #session = new Map<string, Wanted>();

  constructor(
    private readonly host: Host,
    private readonly broker: Broker,
  ) {}

  close(): void {
    for (const cancel of this.#cancels) cancel(new Error('the connection was closed by this side'));
    this.#cancels.clear();
  }

  /** Each part has an outcome of its own at the broker. One that is not heard of breaks the connection for all; the others may have landed. */
  produce(parts: readonly Part[]): Promise<(number | Error)[]> {
    return Promise.all(parts.map((part) => this.#write(part)));
  }

  #write(part: Part): Promise<number | Error> {
    const slot = slotOf(part);
    const isAppend = part.topic === 'execution-events';
    return this.#tracked<number | Error>((cancelled) =>
      this.host.call({
        port: isAppend ? 'append' : 'send',
        cancelled,
        notBefore: this.#busyUntil,
        departs: (at) => {
          this.#busyUntil = at;
        },
        ...(isAppend ? { swallowed: this.#lastBases.get(slot) ?? -1 } : {}),
        serve: (done) => {
          const base = this.broker.append(part.topic, part.partition, part.records);
          this.#lastBases.set(slot, base);
          done(base);
        },
      }),
    ).catch((error: Error) => {
      if (error.message.endsWith('was refused')) return error;
      throw error;
    });
  }

  fetch({ session, wanted, forgotten, waitMs }: FetchAsk): Promise<FetchAnswer> {
    const { broker, host } = this;
    const held = session.epoch > 0 ? this.#session : new Map<string, Wanted>();
    if (session.epoch === 0) this.#session = held;
    for (const place of forgotten) held.delete(slotOf(place));
    for (const one of wanted) held.set(slotOf(one), one);
    const all = [...held.values()];
    return this.#tracked((cancelled) =>
      host.call<FetchAnswer>({
        port: 'fetch',
        cancelled,
        serve: (done) => {
          let isOpen = true;
          const answer = (): void => {
            if (!isOpen) return;
            isOpen = false;
            done({ session: session.epoch < 0 ? 0 : 1, parts: all.map((one) => this.#piece(one)) });
          };
          if (waitMs === 0 || all.some(({ topic, partition, offset }) => broker.records(topic, partition).length !== offset)) return answer();
          for (const { topic, partition } of all) broker.onMore(topic, partition, answer);
          host.time.after(waitMs, answer, true);
        },
      }),
    );
  }

  #piece({ topic, partition, offset: from }: Wanted): FetchedPart {
    const all = this.broker.records(topic, partition);
    const place = { topic, partition, from };
    if (from > all.length) return { ...place, piece: Object.assign(new Error('offset out of range'), { type: 'OFFSET_OUT_OF_RANGE' }) };
    const records = all.slice(from, from + 1_000);
    return { ...place, piece: { records, next: from + records.length, end: all.length, bytes: records.reduce((sum, { value }) => sum + value.length, 0) } };
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

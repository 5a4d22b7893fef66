import { resourceFromAttributes } from '@opentelemetry/resources';
import { AcceptedEvents, type Batch, type DecodedEvent, type LogRecord, ProgressMismatch, positionAfter, type Subscription, UndecodableRecord } from '@runlog/event-log';
import type { Config, SpanSender } from '@runlog/platform';
import { openSpanSender } from '@runlog/platform';
import { type TraceSpan, tracedService } from '@runlog/read-model';
import type { EventReaderDeps } from '../execution-projection.js';
import type { ExportMetrics } from '../metrics.js';
import { advance, openPositionLike, type StoredPosition, storedPosition } from '../projection/position-store.js';
import { LiveTraces } from './live-traces.js';
import { readableSpan } from './readable-span.js';

const TOPIC = 'execution-events';
const APART_MS = 50;
/** Collectors take requests of a few megabytes: with contents so many spans have more in them. */
const SPANS_AT_ONCE = { plain: 512, withContent: 64 };
/** A collector that is away this long misses what ended before. */
const KEPT_MS = 3600_000;

interface Line {
  position: StoredPosition;
  readonly traces: LiveTraces;
  /** The next record to fold: a batch comes again until the collector has taken what it gave. */
  folded: number;
  /** Of the batch in hand: ended, and not taken by the collector yet. */
  unsent: TraceSpan[];
}

/**
 * Exports the spans of executions as they end. A reader of its own beside the projections, which never wait for it: the log is its queue, and it holds the
 * spans of one batch per partition. Its progress is stored when the collector has taken them, so that each span is exported at least once, under the same ids.
 */
export class TraceExport {
  readonly #lines = new Map<number, Line>();
  readonly #resource;
  #subscription: Subscription | undefined;
  #sender: SpanSender | undefined;
  #stopping = new AbortController();

  constructor(private readonly deps: EventReaderDeps & { readonly settings: Config['traces'] & { readonly url: string }; readonly metrics?: ExportMetrics | undefined }) {
    this.#resource = resourceFromAttributes(tracedService(deps.settings.serviceName));
  }

  async start(): Promise<void> {
    const { log, logger, settings } = this.deps;
    this.#sender = await openSpanSender(settings.url);
    this.#subscription = await log.subscribe({
      topic: TOPIC,
      group: 'trace-export',
      maxRecords: 1_000,
      apartMs: () => APART_MS,
      start: (partition) => this.#open(partition),
      onBatch: (batch) => this.#export(batch),
      onRevoked: (partition) => void this.#lines.delete(partition),
    });
    logger.info({ url: settings.url }, 'exporting traces');
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#subscription?.stop();
    // What it still held is exported again after the next start.
    void this.#sender?.close().catch(() => undefined);
  }

  /** The first time it begins where the projection stands: what has ended by then is not exported. */
  async #open(partition: number): Promise<number> {
    const { database, log, logger } = this.deps;
    const position = await openPositionLike(database, log, 'traces', 'executions', TOPIC, partition).catch((cause: unknown) => {
      if (!(cause instanceof ProgressMismatch)) throw cause;
      logger.warn({ err: cause, partition }, 'the export of traces begins anew where the projection stands');
      return openPositionLike(database, log, 'traces', 'executions', TOPIC, partition, true);
    });
    this.#lines.set(partition, { position, traces: this.#traces(), folded: position.offset, unsent: [] });
    return position.offset;
  }

  async #export({ partition, records }: Batch): Promise<void> {
    const line = this.#lines.get(partition);
    if (!line) throw new Error(`Expected partition ${partition} to be open for the export of traces, but it is not`);
    const due = records.filter(({ offset }) => offset >= line.position.offset);
    const last = due.at(-1);
    if (!last) return;
    const accepting = new AcceptedEvents(line.position.claim);
    for (const record of due) {
      const event = acceptedEvent(record, accepting);
      if (record.offset < line.folded) continue;
      if (event) line.unsent.push(...(await line.traces.spansOf(event, () => this.#projected(partition, record.offset))));
      line.folded = record.offset + 1;
    }
    await this.#send(line);
    await this.#advance(line, { ...positionAfter(last, line.position.topicId, accepting.claim), generation: line.position.generation });
  }

  /** Rejects while the collector is away: then the batch comes again, and what it gave is still in hand. */
  async #send(line: Line): Promise<void> {
    const { metrics, logger, settings } = this.deps;
    while (line.unsent.length > 0) {
      const spans = line.unsent.slice(0, SPANS_AT_ONCE[settings.withContent ? 'withContent' : 'plain']);
      try {
        await this.#unlessStopped(this.#sender?.send(spans.map((span) => readableSpan(span, this.#resource))));
        line.unsent = line.unsent.slice(spans.length);
        metrics?.exported(spans.length);
      } catch (cause) {
        this.#stopping.signal.throwIfAborted();
        metrics?.failed();
        const kept = line.unsent.filter(({ endMs }) => (endMs ?? 0) > Date.now() - KEPT_MS);
        metrics?.dropped('too_old', line.unsent.length - kept.length);
        line.unsent = kept;
        if (kept.length === 0) continue;
        logger.warn({ err: cause, partition: line.position.partition, spans: kept.length }, 'the collector does not take spans: trying again');
        throw cause;
      }
    }
  }

  /** A collector that does not answer keeps nobody from stopping. */
  #unlessStopped(sending: Promise<void> | undefined): Promise<void> {
    const { signal } = this.#stopping;
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      Promise.resolve(sending)
        .then(resolve, reject)
        .finally(() => signal.removeEventListener('abort', stop));
    });
  }

  async #advance(line: Line, reached: StoredPosition): Promise<void> {
    const { database } = this.deps;
    if (await advance(database, 'traces', line.position, reached)) {
      line.position = reached;
      return;
    }
    const stored = await storedPosition(database, 'traces', line.position.partition);
    if (!stored) throw new Error(`Expected stored progress of the export of traces of partition ${line.position.partition}, but it is gone`);
    line.traces.clear();
    Object.assign(line, { position: stored, folded: stored.offset, unsent: [] });
  }

  async #projected(partition: number, offset: number): Promise<void> {
    const { progress } = this.deps;
    while (progress.known(partition) < offset) {
      this.#stopping.signal.throwIfAborted();
      await progress.moved(partition, this.#stopping.signal);
    }
  }

  #traces(): LiveTraces {
    const { database, catalog, settings, logger, metrics } = this.deps;
    return new LiveTraces({
      database,
      catalog,
      withContent: settings.withContent,
      onUnreadable: (executionId) => {
        metrics?.dropped('unreadable', 1);
        logger.warn({ executionId }, 'the history of an execution is not in the read models: its trace is not exported');
      },
    });
  }
}

/** null: a claim, a void event, or one that nobody can read. */
const acceptedEvent = (record: LogRecord, accepting: AcceptedEvents): DecodedEvent | null => {
  try {
    return accepting.accept(record)?.event ?? null;
  } catch (cause) {
    if (cause instanceof UndecodableRecord) return null;
    throw cause;
  }
};

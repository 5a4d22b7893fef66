import { type Batch, decodeJson, decodeOrDeadLetter, type EventLog, type LogRecord, type Position, positionAfter, type Subscription, UndecodableRecord } from '@runlog/event-log';
import type { Frame } from '@runlog/execution';
import type { Logger } from '@runlog/platform';
import type { Database } from '@runlog/read-model';
import { breaksOnData } from './projection/poison.js';
import { advance, openForgetfulPosition, storedPosition } from './projection/position-store.js';
import { isLevel, type Progress } from './projection/progress.js';
import { type Placed, writeFrames } from './projection/write-frames.js';

const TOPIC = 'execution-frames';
/** A reader in another process waits for as long. */
const APART_MS = 50;
/** For whoever has all partitions and so is told of every reader that waits: lines of short executions are then stored with few statements. */
const ALONE_APART_MS = 250;

/** A batch of so many has left some behind. */
const MOST_RECORDS = 2_000;

/** Keeps what runners stream: log lines, reports that came too late, and what agents do and say. Frames of other kinds pass by. */
export class FrameProjection {
  readonly #positions = new Map<number, Position>();
  #subscription: Subscription | undefined;
  #isStopping = false;

  constructor(
    private readonly deps: {
      readonly database: Database;
      readonly log: EventLog;
      readonly logger: Logger;
      readonly progress: Progress;
      readonly onBatch?: (batch: Batch, seconds: number) => void;
    },
  ) {}

  async start(): Promise<void> {
    this.#subscription = await this.deps.log.subscribe({
      topic: TOPIC,
      group: 'projection-frames',
      maxRecords: MOST_RECORDS,
      apartMs: () => APART_MS,
      start: (partition) => this.#open(partition),
      onBatch: async (batch) => {
        const begun = performance.now();
        await this.#project(batch);
        this.deps.onBatch?.(batch, (performance.now() - begun) / 1000);
        // Afterwards, so that all that collects is in the next batch. Who is behind does not rest.
        if (!this.#isStopping && isLevel(batch)) await this.deps.progress.collect(batch.partition, this.#apartMs);
      },
      onRevoked: (partition) => this.#release(partition),
    });
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    const stopped = this.#subscription?.stop();
    for (const partition of this.#positions.keys()) this.deps.progress.hurry(partition);
    await stopped;
    for (const partition of [...this.#positions.keys()]) this.#release(partition);
  }

  get #apartMs(): number {
    return this.#positions.size === this.deps.log.partitions(TOPIC) ? ALONE_APART_MS : APART_MS;
  }

  async #open(partition: number): Promise<number> {
    const { database, log, logger, progress } = this.deps;
    const position = await openForgetfulPosition(database, log, 'frames', TOPIC, partition, (from, to) =>
      logger.warn({ partition, from, to }, 'frames expired before they were stored'),
    );
    this.#positions.set(partition, position);
    progress.reached(position);
    return position.offset;
  }

  async #project({ partition, records }: Batch): Promise<void> {
    const { database, log, progress } = this.deps;
    for (;;) {
      const from = this.#positions.get(partition);
      if (!from) throw new Error(`Expected partition ${partition} of '${TOPIC}' to be open, but it is not`);
      const due = records.filter(({ offset }) => offset >= from.offset);
      const last = due.at(-1);
      if (!last) return;
      const frames = await decodeOrDeadLetter(log, due, frameOf);
      const to = positionAfter(last, from.topicId);
      const moved = (await this.#write(frames, due, from, to)) ? to : await storedPosition(database, 'frames', partition);
      if (!moved) throw new Error(`Expected stored progress of '${TOPIC}/${partition}', but it is gone`);
      this.#positions.set(partition, moved);
      progress.reached(moved);
    }
  }

  /** A frame that PostgreSQL refuses is dropped with a warning: frames are not facts. */
  async #write(frames: readonly Placed[], due: readonly LogRecord[], from: Position, to: Position): Promise<boolean> {
    const { database, logger } = this.deps;
    try {
      return await writeFrames(database, frames, from, to);
    } catch (cause) {
      if (!breaksOnData(cause)) throw cause;
      if (frames.length <= 1) {
        logger.warn({ err: cause, partition: from.partition, offset: due[0]?.offset }, 'a frame was refused and dropped');
        return advance(database, 'frames', from, to);
      }
      return this.#oneByOne(frames, from, to);
    }
  }

  async #oneByOne(frames: readonly Placed[], from: Position, to: Position): Promise<boolean> {
    const { database, logger } = this.deps;
    for (const frame of frames) {
      try {
        if (!(await writeFrames(database, [frame], from, from))) return false;
      } catch (cause) {
        if (!breaksOnData(cause)) throw cause;
        logger.warn({ err: cause, executionId: frame.frame.executionId }, 'a frame was refused and dropped');
      }
    }
    return advance(database, 'frames', from, to);
  }

  #release(partition: number): void {
    this.#positions.delete(partition);
    this.deps.progress.released(partition);
  }
}

const isUuid = (id: unknown): boolean => typeof id === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id);

const frameOf = (record: LogRecord): Placed => {
  const frame = decodeJson<Frame>(record);
  if (!isUuid(frame.executionId) || !isUuid(frame.workspaceId)) throw new UndecodableRecord(record, 'it names no execution and workspace');
  return { n: record.offset, frame };
};

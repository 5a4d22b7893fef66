import Decoder from 'kafkajs/src/protocol/decoder.js';
import { createErrorFromCode } from 'kafkajs/src/protocol/error.js';
import type { LogRecord, NewRecord } from '../port.js';
import type { Topic } from '../topics.js';
import { Frame } from './frame.js';
import { decodeBatches, encodeBatch } from './record-batch.js';

/** A partition of a topic. */
export interface Place {
  readonly topic: Topic;
  readonly partition: number;
}

/** Names a place in a map. */
export const slotOf = ({ topic, partition }: Place): string => `${topic}/${partition}`;

/** Records for one partition in a produce request: one record batch. */
export interface Part extends Place {
  readonly records: readonly NewRecord[];
  /** What they take at most, as `recordBytes` says. */
  readonly bytes: number;
}

/** A request as bytes without its header. */
export interface Request<Answer> {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly apiName: string;
  readonly body: Frame;
  decode(answer: Decoder): Answer;
}

/** Produce, version 7, acknowledged by all replicas in sync. Its answer: per part, in their order, the base offset or why it was not written. */
export const produceRequest = (parts: readonly Part[], timeoutMs: number): Request<(number | Error)[]> => {
  const batches = parts.map(({ records, bytes }) => encodeBatch(records, bytes, Date.now()));
  const body = new Frame(batches.reduce((sum, { length }) => sum + length + 100, 100)).int16(-1).int16(-1).int32(timeoutMs);
  const topics = Map.groupBy(parts.keys(), (index) => (parts[index] as Part).topic);
  body.int32(topics.size);
  for (const [topic, indexes] of topics) {
    body.text(topic).int32(indexes.length);
    for (const index of indexes) body.int32((parts[index] as Part).partition).blob(batches[index] as Buffer);
  }
  return { apiKey: 0, apiVersion: 7, apiName: 'Produce', body, decode: (answer) => producedOf(answer, parts) };
};

const producedOf = (answer: Decoder, parts: readonly Part[]): (number | Error)[] => {
  const outcomes = new Map<string, number | Error>();
  for (let topics = answer.readInt32(); topics > 0; topics--) {
    const topic = answer.readString();
    for (let partitions = answer.readInt32(); partitions > 0; partitions--) {
      const partition = answer.readInt32();
      const errorCode = answer.readInt16();
      const base = Number(answer.readInt64());
      answer.forward(16); // append time, log start
      outcomes.set(`${topic}/${partition}`, errorCode === 0 ? base : createErrorFromCode(errorCode));
    }
  }
  return parts.map((part) => outcomes.get(slotOf(part)) ?? new Error('it was acknowledged without an offset, which says nothing'));
};

/** What a fetch asks of a partition. */
export interface Wanted extends Place {
  readonly offset: number;
}

/** A fetch. With a session the broker remembers what is wanted, and only what is new, moved or no longer wanted is said. */
export interface FetchAsk {
  /** `{ 0, 0 }` begins a session, `{ 0, -1 }` does without. */
  readonly session: { readonly id: number; readonly epoch: number };
  readonly wanted: readonly Wanted[];
  readonly forgotten: readonly Place[];
  /** Everything that this fetch asks for, by slot, with its offset; `wanted` is the part of it that the broker does not know. */
  readonly froms: ReadonlyMap<string, number>;
  readonly waitMs: number;
  /** At most so many bytes of each partition, and of all of them. */
  readonly pieceBytes: number;
  readonly totalBytes: number;
}

/** A piece of a partition's records. */
export interface Fetched {
  readonly records: readonly LogRecord[];
  /** Where to read on. */
  readonly next: number;
  /** The partition's end when the broker answered. */
  readonly end: number;
  /** Size of the piece. */
  readonly bytes: number;
}

/** What a fetch brought of one partition. */
export interface FetchedPart extends Place {
  readonly from: number;
  readonly piece: Fetched | Error;
}

export interface FetchAnswer {
  /** 0: the broker keeps none. */
  readonly session: number;
  /** Without a session every partition asked for, with one those with news. */
  readonly parts: readonly FetchedPart[];
}

const readUncommitted = 0;

/** Fetch, version 11. */
export const fetchRequest = (ask: FetchAsk): Request<FetchAnswer> => {
  const { session, wanted, forgotten, waitMs, pieceBytes, totalBytes } = ask;
  const body = new Frame(100 + 60 * (wanted.length + forgotten.length))
    .int32(-1)
    .int32(waitMs)
    .int32(1)
    .int32(totalBytes)
    .int8(readUncommitted)
    .int32(session.id)
    .int32(session.epoch);
  const topics = Map.groupBy(wanted, ({ topic }) => topic);
  body.int32(topics.size);
  for (const [topic, some] of topics) {
    body.text(topic).int32(some.length);
    for (const { partition, offset } of some) body.int32(partition).int32(-1).int64(offset).int64(-1).int32(pieceBytes);
  }
  const gone = Map.groupBy(forgotten, ({ topic }) => topic);
  body.int32(gone.size);
  for (const [topic, some] of gone) {
    body.text(topic).int32(some.length);
    for (const { partition } of some) body.int32(partition);
  }
  body.text('');
  return { apiKey: 1, apiVersion: 11, apiName: 'Fetch', body, decode: (answer) => fetchedOf(answer, ask.froms) };
};

const fetchedOf = (answer: Decoder, froms: ReadonlyMap<string, number>): FetchAnswer => {
  answer.readInt32(); // throttle time
  const errorCode = answer.readInt16();
  if (errorCode !== 0) throw createErrorFromCode(errorCode);
  const session = answer.readInt32();
  const parts: FetchedPart[] = [];
  for (let topics = answer.readInt32(); topics > 0; topics--) {
    const topic = answer.readString() as Topic;
    for (let partitions = answer.readInt32(); partitions > 0; partitions--) {
      const partition = answer.readInt32();
      const from = froms.get(slotOf({ topic, partition })) ?? 0;
      parts.push({ topic, partition, from, piece: pieceOf(answer, topic, partition, from) });
    }
  }
  return { session, parts };
};

const pieceOf = (answer: Decoder, topic: Topic, partition: number, from: number): Fetched | Error => {
  const errorCode = answer.readInt16();
  const end = Number(answer.readInt64());
  answer.forward(16); // last stable offset, log start
  answer.forward(16 * Math.max(0, answer.readInt32())); // aborted transactions
  answer.readInt32(); // preferred replica
  const bytes = answer.readBytes();
  if (errorCode !== 0) return createErrorFromCode(errorCode);
  if (!bytes || bytes.length === 0) return { records: [], next: from, end, bytes: 0 };
  try {
    return { ...decodeBatches(topic, partition, bytes, from), end, bytes: bytes.length };
  } catch (error) {
    return error as Error;
  }
};

import type { ProtocolRequest } from 'kafkajs/src/cluster/index.js';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';
import { createErrorFromCode } from 'kafkajs/src/protocol/error.js';
import fetchRequest from 'kafkajs/src/protocol/requests/fetch/v11/request.js';
import produceResponse from 'kafkajs/src/protocol/requests/produce/v7/response.js';
import type { LogRecord, NewRecord } from '../port.js';
import type { Topic } from '../topics.js';
import { decodeBatches, encodeBatch } from './record-batch.js';

/** Records for one partition in a produce request. */
export interface Part {
  readonly topic: Topic;
  readonly partition: number;
  readonly records: readonly NewRecord[];
}

/** One piece of a partition, as fetched. */
export interface Fetched {
  readonly records: readonly LogRecord[];
  /** Where to read on. */
  readonly next: number;
  /** The partition's end when the broker answered. */
  readonly end: number;
}

type Produced = Awaited<ReturnType<typeof produceResponse.decode>>;

/** Produce, version 7, acknowledged by all replicas in sync; each part becomes one record batch. */
export const produceRequest = (parts: readonly Part[], timeoutMs: number): ProtocolRequest<Produced> => ({
  request: { apiKey: 0, apiVersion: 7, apiName: 'Produce', encode: async () => encodeProduce(parts, timeoutMs) },
  response: produceResponse,
});

const encodeProduce = (parts: readonly Part[], timeoutMs: number): Encoder => {
  const topics = Map.groupBy(parts, ({ topic }) => topic);
  const encoder = new Encoder().writeInt16(-1).writeInt16(-1).writeInt32(timeoutMs).writeInt32(topics.size);
  const now = Date.now();
  for (const [topic, some] of topics) {
    encoder.writeString(topic).writeInt32(some.length);
    for (const { partition, records } of some) encoder.writeInt32(partition).writeBytes(encodeBatch(records, now));
  }
  return encoder;
};

const readUncommitted = 0;

/** Fetch, version 11, of one partition. */
export const fetchOne = (topic: Topic, partition: number, from: number, maxBytes: number, waitMs: number): ProtocolRequest<Fetched> => ({
  request: fetchRequest({
    replicaId: -1,
    isolationLevel: readUncommitted,
    maxWaitTime: waitMs,
    minBytes: 1,
    maxBytes,
    topics: [{ topic, partitions: [{ partition, fetchOffset: String(from), maxBytes }] }],
  }),
  response: { decode: async (raw) => decodeFetched(new Decoder(raw), topic, from), parse: async (fetched) => fetched },
});

const decodeFetched = (decoder: Decoder, topic: Topic, from: number): Fetched => {
  decoder.readInt32(); // throttle time
  failOn(decoder.readInt16());
  decoder.readInt32(); // session
  if (decoder.readInt32() === 0) return { records: [], next: from, end: from };
  decoder.readString();
  decoder.readInt32(); // partitions, exactly one
  const partition = decoder.readInt32();
  failOn(decoder.readInt16());
  const end = Number(decoder.readInt64());
  decoder.forward(16); // last stable offset, log start
  decoder.forward(16 * Math.max(0, decoder.readInt32())); // aborted transactions
  decoder.readInt32(); // preferred replica
  const bytes = decoder.readBytes();
  return { ...decodeBatches(topic, partition, bytes ?? Buffer.alloc(0), from), end };
};

const failOn = (errorCode: number): void => {
  if (errorCode !== 0) throw createErrorFromCode(errorCode);
};

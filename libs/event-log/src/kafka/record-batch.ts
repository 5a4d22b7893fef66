import type { LogRecord, NewRecord } from '../port.js';
import type { Topic } from '../topics.js';
import { crc32c } from './crc32c.js';

/**
 * Kafka's record batch, version 2, uncompressed. Done here since kafkajs makes a buffer for each header of each record, which costs
 * several times as much for our envelopes.
 */
const headBytes = 61;
const lengthAt = 8;
const magicAt = 16;
const crcAt = 17;
const attributesAt = 21;
const lastOffsetDeltaAt = 23;
const baseTimestampAt = 27;
const maxTimestampAt = 35;
const producerAt = 43;
const countAt = 57;
const appendTimeFlag = 0x8;
const controlFlag = 0x20;
const compressionMask = 0x7;

/** `bytes` is what the records take at most, as `recordBytes` says. */
export const encodeBatch = (records: readonly NewRecord[], bytes: number, at: number): Buffer => {
  const writer = new Writer(headBytes + bytes);
  records.forEach((record, index) => writer.record(record, index));
  const batch = writer.written();
  batch.fill(0, 0, headBytes);
  batch.writeInt32BE(batch.length - lengthAt - 4, lengthAt);
  batch.writeInt32BE(-1, lengthAt + 4); // leader epoch: the broker fills it in
  batch.writeInt8(2, magicAt);
  batch.writeInt32BE(records.length - 1, lastOffsetDeltaAt);
  batch.writeBigInt64BE(BigInt(at), baseTimestampAt);
  batch.writeBigInt64BE(BigInt(at), maxTimestampAt);
  batch.fill(0xff, producerAt, countAt); // no producer id, epoch, sequence: not idempotent
  batch.writeInt32BE(records.length, countAt);
  batch.writeUInt32BE(crc32c(batch, attributesAt), crcAt);
  return batch;
};

const shortText = 100;

class Writer {
  private readonly bytes: Buffer;
  private at = headBytes;

  constructor(atMostBytes: number) {
    this.bytes = Buffer.allocUnsafe(atMostBytes);
  }

  written(): Buffer {
    return this.bytes.subarray(0, this.at);
  }

  record({ key, headers = {}, value }: NewRecord, offsetDelta: number): void {
    const start = this.at;
    this.at += 5;
    this.bytes[this.at++] = 0; // attributes
    this.bytes[this.at++] = 0; // timestamp delta
    this.varInt(offsetDelta);
    this.text(key);
    if (typeof value === 'string') this.text(value);
    else this.blob(value);
    const names = Object.keys(headers);
    this.varInt(names.length);
    for (const name of names) {
      this.text(name);
      this.text(headers[name] as string);
    }
    const [body, end] = [start + 5, this.at];
    this.at = start;
    this.varInt(end - body);
    this.bytes.copyWithin(this.at, body, end);
    this.at += end - body;
  }

  private blob(blob: Buffer): void {
    this.varInt(blob.length);
    this.at += blob.copy(this.bytes, this.at);
  }

  /** Short ones, which headers are, are written here if they are ASCII: less than what calling the encoder costs. */
  private text(text: string): void {
    if (text.length <= shortText) {
      const start = this.at;
      this.varInt(text.length);
      const { bytes } = this;
      let at = this.at;
      let all = 0;
      for (let i = 0; i < text.length; i++) {
        const code = text.charCodeAt(i);
        all |= code;
        bytes[at++] = code;
      }
      this.at = at;
      if (all < 0x80) return;
      this.at = start;
    }
    this.varInt(Buffer.byteLength(text));
    this.at += this.bytes.write(text, this.at);
  }

  private varInt(value: number): void {
    let rest = value << 1; // zigzag of a number that is not negative
    for (; rest > 0x7f; rest >>>= 7) this.bytes[this.at++] = (rest & 0x7f) | 0x80;
    this.bytes[this.at++] = rest;
  }
}

/** Records from offset `from` on, and the offset after the last whole batch; Kafka may cut the last one short. */
export const decodeBatches = (topic: Topic, partition: number, bytes: Buffer, from: number): { records: LogRecord[]; next: number } => {
  const records: LogRecord[] = [];
  let next = from;
  for (let at = 0; at + headBytes <= bytes.length; ) {
    const end = at + lengthAt + 4 + bytes.readInt32BE(at + lengthAt);
    if (end > bytes.length) break;
    const batch = bytes.subarray(at, end);
    const attributes = batch.readInt16BE(attributesAt);
    if (batch.readInt8(magicAt) !== 2 || (attributes & compressionMask) !== 0)
      throw new Error(
        `Expected '${topic}/${partition}' to hold uncompressed batches of version 2, but there is another near offset ${next}; set the topic's compression.type to 'uncompressed'`,
      );
    const baseOffset = Number(batch.readBigInt64BE(0));
    next = Math.max(next, baseOffset + batch.readInt32BE(lastOffsetDeltaAt) + 1);
    if (!(attributes & controlFlag)) new Reader(batch, topic, partition, baseOffset, attributes).into(records, from);
    at = end;
  }
  return { records, next };
};

/** What a record is made of, read one after the other. */
class Bytes {
  constructor(
    protected readonly bytes: Buffer,
    protected at: number,
  ) {}

  text(): string {
    const length = this.varInt();
    if (length <= 0) return '';
    const start = this.at;
    this.at += length;
    return this.bytes.toString(undefined, start, this.at);
  }

  /** The same as `likely`, for less, where that is what stands here. */
  name(likely: string | undefined): string {
    const start = this.at;
    if (likely !== undefined && this.varInt() === likely.length) {
      let i = 0;
      while (i < likely.length && this.bytes[this.at + i] === likely.charCodeAt(i)) i++;
      this.at += i;
      if (i === likely.length) return likely;
    }
    this.at = start;
    return this.text();
  }

  blob(): Buffer {
    const length = Math.max(0, this.varInt());
    const start = this.at;
    this.at += length;
    return this.bytes.subarray(start, this.at);
  }

  /** Zigzag; by multiplication since a timestamp delta may exceed 32 bits. */
  varInt(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.bytes[this.at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
  }
}

const namesKept = 16;
/** Names of the headers of the record that was decoded last: most have the same, in the same order. */
const lastNames: string[] = [];

/** Most readers look at few records' headers, so they are decoded when somebody asks. */
class KafkaRecord implements LogRecord {
  private decoded: Record<string, string> | undefined;

  constructor(
    readonly topic: Topic,
    readonly partition: number,
    readonly offset: number,
    readonly key: string,
    readonly value: Buffer,
    readonly at: number,
    private readonly encoded: Buffer,
  ) {}

  get headers(): Readonly<Record<string, string>> {
    if (this.decoded) return this.decoded;
    const headers: Record<string, string> = {};
    const bytes = new Bytes(this.encoded, 0);
    const count = bytes.varInt();
    for (let i = 0; i < count; i++) {
      const name = bytes.name(lastNames[i]);
      if (i < namesKept) lastNames[i] = name;
      headers[name] = bytes.text();
    }
    this.decoded = headers;
    return headers;
  }
}

class Reader extends Bytes {
  private readonly firstAt: number;
  private readonly appendedAt: number | undefined;

  constructor(
    bytes: Buffer,
    private readonly topic: Topic,
    private readonly partition: number,
    private readonly baseOffset: number,
    attributes: number,
  ) {
    super(bytes, headBytes);
    this.firstAt = Number(bytes.readBigInt64BE(baseTimestampAt));
    this.appendedAt = attributes & appendTimeFlag ? Number(bytes.readBigInt64BE(maxTimestampAt)) : undefined;
  }

  into(records: LogRecord[], from: number): void {
    for (let left = this.bytes.readInt32BE(countAt); left > 0; left--) {
      const size = this.varInt();
      const end = this.at + size;
      this.at++;
      const at = this.appendedAt ?? this.firstAt + this.varInt();
      if (this.appendedAt !== undefined) this.varInt();
      const offset = this.baseOffset + this.varInt();
      if (offset >= from) records.push(new KafkaRecord(this.topic, this.partition, offset, this.text(), this.blob(), at, this.bytes.subarray(this.at, end)));
      this.at = end;
    }
  }
}

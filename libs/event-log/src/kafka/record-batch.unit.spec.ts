import { describe, expect, it } from '@jest/globals';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import crc32C from 'kafkajs/src/protocol/recordBatch/crc32C/index.js';
import decodeByKafkajs from 'kafkajs/src/protocol/recordBatch/v0/decoder.js';
import { type NewRecord, RecordTooLarge } from '../port.js';
import { decodeBatches, encodeBatch } from './record-batch.js';
import { maxRecordBytes, recordBytes } from './records.js';

const records: NewRecord[] = [
  { key: 'kéy', headers: { ce_id: 'a'.repeat(64), note: 'ünï\n' }, value: Buffer.from([0, 255, 128]) },
  { key: '', value: '' },
  { key: 'k', headers: { empty: '' }, value: 'x'.repeat(70_000) },
];
const bytesOf = (some: readonly NewRecord[]): number => some.reduce((sum, record) => sum + recordBytes(record), 0);
const asRead = records.map(({ key, headers = {}, value }, offset) => ({
  topic: 'node-tasks',
  partition: 3,
  offset,
  key,
  headers,
  value: Buffer.from(value),
  at: 1_700_000_000_000,
}));

const at = (batch: Buffer, baseOffset: number): Buffer => {
  const moved = Buffer.from(batch);
  moved.writeBigInt64BE(BigInt(baseOffset), 0);
  return moved;
};

/** Headers are decoded when asked for, so they are asked for. */
const plain = ({ records, next }: ReturnType<typeof decodeBatches>) => ({
  records: records.map(({ topic, partition, offset, key, headers, value, at }) => ({ topic, partition, offset, key, headers, value, at })),
  next,
});

describe('a record batch', () => {
  const batch = encodeBatch(records, bytesOf(records), 1_700_000_000_000);

  it('comes back as it was written', () => {
    expect(plain(decodeBatches('node-tasks', 3, batch, 0))).toEqual({ records: asRead, next: 3 });
  });

  it('is what another implementation reads', async () => {
    const { records: found } = await decodeByKafkajs(new Decoder(batch));
    expect(found.map(({ key, value, offset, timestamp }) => [key?.toString(), value?.toString('hex'), offset, timestamp])).toEqual(
      asRead.map(({ key, value, offset }) => [key, value.toString('hex'), String(offset), '1700000000000']),
    );
    expect(found[0]?.headers.note?.toString()).toBe('ünï\n');
  });

  it('is left out when Kafka has cut it short', () => {
    const two = Buffer.concat([at(batch, 10), at(batch, 13)]);
    expect(decodeBatches('node-tasks', 3, two.subarray(0, -1), 10).next).toBe(13);
    expect(decodeBatches('node-tasks', 3, two, 10).records.map(({ offset }) => offset)).toEqual([10, 11, 12, 13, 14, 15]);
  });

  it('gives only what was asked for of a batch that begins earlier', () => {
    expect(decodeBatches('node-tasks', 3, at(batch, 10), 12).records.map(({ offset }) => offset)).toEqual([12]);
  });

  it('passes over control batches', () => {
    const control = at(batch, 10);
    control.writeInt16BE(0x20, 21);
    expect(decodeBatches('node-tasks', 3, control, 10)).toEqual({ records: [], next: 13 });
  });

  it('takes the append time of the broker where the batch carries it', () => {
    const stamped = at(batch, 0);
    stamped.writeInt16BE(0x8, 21);
    stamped.writeBigInt64BE(1_800_000_000_000n, 35);
    expect(decodeBatches('node-tasks', 3, stamped, 0).records.map((record) => record.at)).toEqual([1_800_000_000_000, 1_800_000_000_000, 1_800_000_000_000]);
  });

  it('refuses compressed batches with what to do', () => {
    const compressed = at(batch, 0);
    compressed.writeInt16BE(1, 21);
    expect(() => decodeBatches('node-tasks', 3, compressed, 0)).toThrow(/compression.type/);
  });

  it('has the checksum that Kafka wants, whatever its length', () => {
    for (let length = 0; length < 40; length++) {
      const one = encodeBatch([{ key: 'é'.repeat(length), headers: { note: 'x'.repeat(length) }, value: 'y'.repeat(length) }], 1_000, 0);
      expect(one.readUInt32BE(17)).toBe(crc32C(one.subarray(21)) >>> 0);
    }
  });

  it('refuses a record over the limit', () => {
    expect(() => recordBytes({ key: 'k', value: Buffer.alloc(maxRecordBytes + 1) })).toThrow(RecordTooLarge);
  });
});

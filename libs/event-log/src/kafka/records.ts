import { type NewRecord, RecordTooLarge } from '../port.js';

/** Largest value of a record; keys and headers come on top of it. */
export const maxRecordBytes = 1_000_000;
/** Topics are created with this `max.message.bytes`, Kafka's own default: the limit of one record batch. */
export const brokerBatchBytes = 1_048_588;
/** Largest batch that is sent, by our own estimate of its size, which is never too low. */
export const maxBatchBytes = 1_048_000;

const perRecord = 40;
const perHeader = 10;
const sizeOf = (text: Buffer | string): number => (typeof text === 'string' ? Buffer.byteLength(text) : text.length);

/** An upper bound of what the record takes in a batch, bytes. @throws RecordTooLarge */
export const recordBytes = ({ key, headers, value }: NewRecord): number => {
  const valueBytes = sizeOf(value);
  if (valueBytes > maxRecordBytes) throw new RecordTooLarge(valueBytes, maxRecordBytes);
  let bytes = perRecord + valueBytes + sizeOf(key);
  for (const name in headers) bytes += perHeader + sizeOf(name) + sizeOf(headers[name] as string);
  if (bytes > maxBatchBytes) throw new RecordTooLarge(bytes, maxBatchBytes);
  return bytes;
};

import { type NewRecord, RecordTooLarge } from '../port.js';

/** Of one value, in bytes. */
export const maxRecordBytes = 1_000_000;

const chunkRecords = 1_000;
const chunkBytes = 512 * 1024;
const perRecordBytes = 500;

/** Measures records that are to be written. @throws RecordTooLarge, and TypeError for a key that PostgreSQL can't hold. */
export const measure = (records: readonly NewRecord[]): { count: number; bytes: number } => {
  let bytes = 0;
  for (const { key, value } of records) {
    const size = typeof value === 'string' ? Buffer.byteLength(value) : value.length;
    if (size > maxRecordBytes) throw new RecordTooLarge(size, maxRecordBytes);
    if (key.includes('\0')) throw new TypeError(`Expected a key of text, but ${JSON.stringify(key)} holds a NUL`);
    bytes += size + perRecordBytes;
  }
  return { count: records.length, bytes };
};

/** A large send goes out in parts, in order, so that others have their turn between them. */
export const inChunks = (records: readonly NewRecord[]): (readonly NewRecord[])[] => {
  const chunks: NewRecord[][] = [];
  let chunk: NewRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    if (chunk.length > 0 && (chunk.length === chunkRecords || bytes + record.value.length > chunkBytes)) {
      chunks.push(chunk);
      [chunk, bytes] = [[], 0];
    }
    chunk.push(record);
    bytes += record.value.length;
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
};

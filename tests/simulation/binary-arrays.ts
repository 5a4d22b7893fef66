/** What `binaryArray` of the read model has written, as the array it was: numbers as numbers where they are safe, dates as days. */
export const arrayOf = (value: unknown): unknown[] => {
  if (!Buffer.isBuffer(value)) return (value ?? []) as unknown[];
  const read = readers[value.readInt32BE(8)];
  if (!read) throw new Error(`Expected an array of a type that the simulation knows, but got type ${value.readInt32BE(8)}: teach it in tests/simulation/binary-arrays.ts`);
  const count = value.readInt32BE(0) === 0 ? 0 : value.readInt32BE(12);
  const items: unknown[] = [];
  for (let at = 20; items.length < count; ) {
    const size = value.readInt32BE(at);
    at += 4;
    items.push(size < 0 ? null : read(value.subarray(at, at + size)));
    at += Math.max(size, 0);
  }
  return items;
};

const text = (bytes: Buffer): string => bytes.toString('utf8');
const bigint = (bytes: Buffer): number | string => {
  const number = bytes.readBigInt64BE();
  return Number.isSafeInteger(Number(number)) ? Number(number) : String(number);
};

/** By the numbers that PostgreSQL has for types. */
const readers: Readonly<Record<number, (bytes: Buffer) => unknown>> = {
  16: (bytes) => bytes[0] === 1,
  20: bigint,
  23: (bytes) => bytes.readInt32BE(),
  25: text,
  114: text,
  1082: (bytes) => new Date(Date.UTC(2000, 0, 1 + bytes.readInt32BE())).toISOString().slice(0, 10),
  2950: (bytes) => bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
};

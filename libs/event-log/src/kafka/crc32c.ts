const polynomial = 0x82f63b78;
const of = (numbers: ArrayLike<number>, index: number): number => numbers[index] as number;

const t0 = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
  return value;
});
/** What a byte does to the checksum once one further byte has gone by than in the table before. */
const after = (before: Int32Array): Int32Array => before.map((value) => (value >>> 8) ^ of(t0, value & 0xff));
const t1 = after(t0);
const t2 = after(t1);
const t3 = after(t2);

/** CRC-32C (Castagnoli) of what is in `bytes` from `start` on. Four bytes at a time, as one after the other takes three times as long. */
export const crc32c = (bytes: Uint8Array, start: number): number => {
  const last = bytes.length - 3;
  let crc = -1;
  let at = start;
  for (; at < last; at += 4) {
    const mixed = crc ^ (of(bytes, at) | (of(bytes, at + 1) << 8) | (of(bytes, at + 2) << 16) | (of(bytes, at + 3) << 24));
    crc = of(t3, mixed & 0xff) ^ of(t2, (mixed >>> 8) & 0xff) ^ of(t1, (mixed >>> 16) & 0xff) ^ of(t0, mixed >>> 24);
  }
  for (; at < bytes.length; at++) crc = of(t0, (crc ^ of(bytes, at)) & 0xff) ^ (crc >>> 8);
  return ~crc >>> 0;
};

/** Element types that `binaryArray` writes. */
export type ElementType = keyof typeof written;

interface Written {
  /** PostgreSQL's number of the type. */
  readonly oid: number;
  readonly bytesOf: (value: unknown) => number;
  readonly write: (value: unknown, into: Buffer, at: number) => void;
}

/** A value that its column cannot hold, with the code that PostgreSQL would give. */
class Unfit extends Error {
  constructor(
    readonly code: string,
    value: unknown,
    type: string,
  ) {
    super(`Expected a value of type ${type}, but got ${JSON.stringify(String(value).slice(0, 100))}`);
  }
}

const invalidText = '22P02';
const outOfRange = '22003';
const INT8_MIN = -(2n ** 63n);
const INT8_MAX = 2n ** 63n - 1n;
const DAY_MS = 86_400_000;
const FIRST_DAY = Date.UTC(2000, 0, 1) / DAY_MS;

const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
const asText: Omit<Written, 'oid'> = {
  bytesOf: (value) => (Buffer.isBuffer(value) ? value.length : Buffer.byteLength(text(value))),
  write: (value, into, at) => void (Buffer.isBuffer(value) ? value.copy(into, at) : into.write(text(value), at)),
};

const int4 = (value: unknown): number => {
  const number = Number(value);
  if (!Number.isInteger(number)) throw new Unfit(invalidText, value, 'integer');
  if (number !== (number | 0)) throw new Unfit(outOfRange, value, 'integer');
  return number;
};

const writeInt8 = (value: unknown, into: Buffer, at: number): void => {
  if (typeof value === 'number' && Number.isSafeInteger(value)) {
    into.writeInt32BE(Math.floor(value / 2 ** 32), at);
    into.writeUInt32BE(value >>> 0, at + 4);
    return;
  }
  if (typeof value === 'number' ? !Number.isInteger(value) : !/^-?\d+$/.test(text(value))) throw new Unfit(invalidText, value, 'bigint');
  const number = BigInt(value as string | number);
  if (number < INT8_MIN || number > INT8_MAX) throw new Unfit(outOfRange, value, 'bigint');
  into.writeBigInt64BE(number, at);
};

/** By character code, 0 to 15, or 16 for what is no hexadecimal digit. */
const digitOf = Uint8Array.from({ length: 128 }, (_, code) => (/[0-9a-f]/i.test(String.fromCharCode(code)) ? Number.parseInt(String.fromCharCode(code), 16) : 16));
const dash = 0x2d;

/** The form that nearly all have, without a string in between. False: it is another one, and what was written does not count. */
const writeCanonicalUuid = (uuid: string, into: Buffer, at: number): boolean => {
  if (uuid.length !== 36) return false;
  let from = 0;
  for (let byte = 0; byte < 16; byte++, from += 2) {
    if ((from === 8 || from === 13 || from === 18 || from === 23) && uuid.charCodeAt(from++) !== dash) return false;
    const [high, low] = [digitOf[uuid.charCodeAt(from)] ?? 16, digitOf[uuid.charCodeAt(from + 1)] ?? 16];
    if ((high | low) > 15) return false;
    into[at + byte] = (high << 4) | low;
  }
  return true;
};

const writeUuid = (value: unknown, into: Buffer, at: number): void => {
  if (typeof value === 'string' && writeCanonicalUuid(value, into, at)) return;
  const digits = text(value).replaceAll('-', '');
  if (digits.length !== 32 || into.write(digits, at, 16, 'hex') !== 16) throw new Unfit(invalidText, value, 'uuid');
};

const written = {
  uuid: { oid: 2950, bytesOf: () => 16, write: writeUuid },
  text: { oid: 25, ...asText },
  json: { oid: 114, ...asText },
  integer: { oid: 23, bytesOf: () => 4, write: (value, into, at) => void into.writeInt32BE(int4(value), at) },
  bigint: { oid: 20, bytesOf: () => 8, write: writeInt8 },
  boolean: { oid: 16, bytesOf: () => 1, write: (value, into, at) => void into.writeUInt8(value ? 1 : 0, at) },
  date: { oid: 1082, bytesOf: () => 4, write: (value, into, at) => void into.writeInt32BE(int4(Date.parse(value as string) / DAY_MS - FIRST_DAY), at) },
} satisfies Readonly<Record<string, Written>>;

const EMPTY_BYTES = 12;
const HEAD_BYTES = 20;

/**
 * An array parameter as PostgreSQL reads it fastest: nothing is escaped here or parsed there. It has what `of` gives of each item; `null` and
 * `undefined` are NULL; dates are `YYYY-MM-DD`, text may be its bytes in UTF-8.
 * @throws an error with PostgreSQL's `code` for a value that the type cannot hold.
 */
export const binaryArray = <Item>(type: ElementType, items: readonly Item[], of: (item: Item) => unknown = (item) => item): Buffer => {
  const { oid, bytesOf, write }: Written = written[type];
  const count = items.length;
  if (count === 0) return head(Buffer.allocUnsafe(EMPTY_BYTES), 0, 0, oid);
  const values = new Array<unknown>(count);
  const sizes = new Int32Array(count);
  let bytes = HEAD_BYTES + 4 * count;
  let hasNulls = 0;
  for (let i = 0; i < count; i++) {
    const value = of(items[i] as Item);
    values[i] = value;
    if (value === null || value === undefined) {
      sizes[i] = -1;
      hasNulls = 1;
    } else bytes += sizes[i] = bytesOf(value);
  }
  const into = head(Buffer.allocUnsafe(bytes), 1, hasNulls, oid);
  into.writeInt32BE(count, 12);
  into.writeInt32BE(1, 16);
  let at = HEAD_BYTES;
  for (let i = 0; i < count; i++) {
    const size = sizes[i] as number;
    into.writeInt32BE(size, at);
    at += 4;
    if (size < 0) continue;
    write(values[i], into, at);
    at += size;
  }
  return into;
};

const head = (into: Buffer, dimensions: number, hasNulls: number, oid: number): Buffer => {
  into.writeInt32BE(dimensions, 0);
  into.writeInt32BE(hasNulls, 4);
  into.writeInt32BE(oid, 8);
  return into;
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const BYTES = 20;
const LENGTH = 27;

export const isUuid = (text: string): boolean => UUID.test(text);

/** The UUID inside a KSUID: 4 bytes of seconds and its 16 bytes, base62, 27 characters. null: not of that form. */
export const uuidOfKsuid = (ksuid: string): string | null => {
  if (ksuid.length !== LENGTH || !/^[0-9A-Za-z]+$/.test(ksuid)) return null;
  let number = 0n;
  for (const digit of ksuid) number = number * 62n + BigInt(DIGITS.indexOf(digit));
  const hex = number.toString(16).padStart(BYTES * 2, '0');
  if (hex.length > BYTES * 2) return null;
  const id = hex.slice(8);
  return `${id.slice(0, 8)}-${id.slice(8, 12)}-${id.slice(12, 16)}-${id.slice(16, 20)}-${id.slice(20)}`;
};

const KSUID_EPOCH_S = 1_400_000_000;

/** The KSUID form of a UUIDv7: the seconds in it, counted from 1400000000, then its 16 bytes. */
export const ksuidOf = (uuid: string): string => {
  const hex = uuid.replaceAll('-', '');
  const seconds = Math.max(0, Math.floor(Number.parseInt(hex.slice(0, 12), 16) / 1000) - KSUID_EPOCH_S) % 2 ** 32;
  let number = (BigInt(seconds) << 128n) | BigInt(`0x${hex}`);
  let ksuid = '';
  while (ksuid.length < LENGTH) {
    ksuid = DIGITS[Number(number % 62n)] + ksuid;
    number /= 62n;
  }
  return ksuid;
};

/** What an execution is asked by: id or KSUID give the id; hashid and key stay. null: an id of no known form. */
export const executionRef = (ref: string): string | null => {
  if (isUuid(ref)) return ref.toLowerCase();
  return uuidOfKsuid(ref) ?? (/^[A-Za-z0-9_]{3,80}$/.test(ref) ? ref : null);
};

/** What a workspace or a pod is asked by: id or KSUID give the id, a slug stays. null: an id of no known form. A slug may look like a KSUID, but not like both. */
export const slugRef = (ref: string): string | null => {
  if (isUuid(ref)) return ref.toLowerCase();
  return uuidOfKsuid(ref) ?? (/^[a-z][a-z0-9-]{0,62}$/.test(ref) ? ref : null);
};

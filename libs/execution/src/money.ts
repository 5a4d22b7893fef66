/** Whole nano-USD as text of digits: what records, states and rows hold. */
export type NanoUsd = string;

/** A sum of nano-USD. */
export const plus = (a: NanoUsd, b: NanoUsd): NanoUsd => String(BigInt(a) + BigInt(b));
export const minus = (a: NanoUsd, b: NanoUsd): NanoUsd => String(BigInt(a) - BigInt(b));
export const exceeds = (a: NanoUsd, b: NanoUsd): boolean => BigInt(a) > BigInt(b);

/** USD as people write them, to the nano-USD. */
export const nanoUsd = (usd: number): NanoUsd => String(BigInt(usd.toFixed(9).replace('.', '')));

/** For people: `$1.25`, with as many decimals as it has, two at least. */
export const inUsd = (amount: NanoUsd): string => {
  const digits = amount.replace('-', '').padStart(10, '0');
  const decimals = digits.slice(-9).replace(/0+$/, '').padEnd(2, '0');
  return `${amount.startsWith('-') ? '-' : ''}$${digits.slice(0, -9)}.${decimals}`;
};

/** A decimal, exactly as it is written, times 10^9; digits behind the ninth place, which only binary noise leaves behind, are rounded half up. */
const timesBillion = (decimal: number): bigint => {
  const [mantissa = '0', exponent = '0'] = String(decimal).split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  const shift = Number(exponent) - fraction.length + 9;
  const digits = BigInt(whole + fraction);
  if (shift >= 0) return digits * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  return (digits * 2n + divisor) / (divisor * 2n);
};

/** A price in USD per million tokens, in femto-USD (10^-15 USD) per token. */
export const femtoUsdPerToken = (usdPerMillion: number): bigint => timesBillion(usdPerMillion);

/** An amount of USD in nano-USD, to the nearest. Throws on an amount that is negative or no number. */
export const nanoUsdOf = (usd: number): bigint => {
  if (!Number.isFinite(usd) || usd < 0) throw new RangeError(`Expected an amount of USD, but got ${usd}`);
  return timesBillion(usd);
};

/** Femto-USD in a nano-USD. */
const femtoPerNano = 1_000_000n;

/** The nearest nano-USD, a half goes up. For what a call cost. */
export const nearestNanoUsd = (femtoUsd: bigint): bigint => (femtoUsd + femtoPerNano / 2n) / femtoPerNano;

/** The next whole nano-USD. For what a call can cost at most. */
export const nanoUsdAbove = (femtoUsd: bigint): bigint => (femtoUsd + femtoPerNano - 1n) / femtoPerNano;

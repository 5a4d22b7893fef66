import type { RetryPolicy } from '@runlog/workflow';

/** Milliseconds to wait before the next try after `failures` failed ones. Jitter (half to whole) comes from the seed, so that deciding again gives the same. */
export const backoff = (policy: RetryPolicy, failures: number, seed: string): number => {
  const whole = Math.min(policy.initial_ms * policy.factor ** (failures - 1), policy.max_ms);
  return Math.round(policy.jitter ? whole * (0.5 + fraction(seed) / 2) : whole);
};

/** A number in [0, 1) from the text: FNV-1a. */
const fraction = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
};

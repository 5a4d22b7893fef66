import { Problem } from '../http/problem.js';

/** Requests per second and key: a bucket that holds one second's worth. 0: no limit. */
export class RateLimit {
  private readonly buckets = new Map<string, { left: number; at: number }>();

  constructor(private readonly perSecond: number) {}

  /** Throws a 429 problem when the bucket is empty. */
  take(key: string, now: number = Date.now()): void {
    if (this.perSecond === 0) return;
    const bucket = this.buckets.get(key) ?? { left: this.perSecond, at: now };
    bucket.left = Math.min(this.perSecond, bucket.left + ((now - bucket.at) / 1000) * this.perSecond);
    bucket.at = now;
    this.buckets.set(key, bucket);
    if (this.buckets.size > 10_000) this.buckets.delete(this.buckets.keys().next().value as string);
    if (bucket.left < 1)
      throw new Problem('too_many', 'rate_limited', `Expected at most ${this.perSecond} requests a second with this key, but there were more`, { headers: { 'Retry-After': '1' } });
    bucket.left -= 1;
  }
}

import type { Response } from 'express';
import type { KeyRing } from '../auth/key-ring.js';
import type { Principal } from '../auth/principal.js';
import { Problem } from '../http/problem.js';
import type { ApiRequest } from '../http/request.js';
import { canonicalScript, type Frame } from './event-script.js';
import { SseWriter } from './sse-writer.js';

const REVOKED_CHECK_MS = 2000;

/** Every open stream: at most so many per key, ended when the key is revoked, after the longest time, and on the way down. */
export class OpenStreams {
  private readonly perKey = new Map<string, number>();
  private readonly open = new Set<() => void>();
  private stopping = false;

  constructor(
    private readonly keys: KeyRing,
    /** Per key; 0: no limit. */
    private readonly limit: number,
    private readonly maxSeconds: number,
  ) {}

  get count(): number {
    return this.open.size;
  }

  /** Opens a stream and feeds it until `feed` resolves or the client goes. Throws a 429 problem at the limit, before anything is sent. */
  async serve(
    who: Principal,
    request: Pick<ApiRequest, 'method'>,
    response: Response,
    feed: (writer: SseWriter, until: AbortSignal) => Promise<void>,
    /** `endless`: not ended after the longest time; else `reconnect` is the last that is sent then. */
    { endless = false, reconnect = canonicalScript.reconnect }: { readonly endless?: boolean; readonly reconnect?: Frame } = {},
  ): Promise<void> {
    const held = this.perKey.get(who.keyHash) ?? 0;
    if (this.limit > 0 && held >= this.limit)
      throw new Problem(
        'too_many',
        'too_many_streams',
        `Expected at most ${this.limit} open ${this.limit === 1 ? 'stream' : 'streams'} with this key, but there would be ${held + 1}`,
        { headers: { 'Retry-After': '10' } },
      );
    if (this.stopping) throw new Problem('unavailable', 'stopping', 'Expected to open a stream, but this gateway is stopping', { headers: { 'Retry-After': '1' } });
    if (request.method === 'HEAD') return void response.type('text/event-stream').end();
    this.perKey.set(who.keyHash, held + 1);
    const writer = new SseWriter(response);
    const over = new AbortController();
    const end = () => over.abort();
    let long = false;
    const tooLong = () => {
      long = true;
      end();
    };
    const longest = endless ? undefined : setTimeout(tooLong, this.maxSeconds * 1000);
    const revoked = setInterval(
      () =>
        void this.keys.byHash(who.keyHash).then(
          (still) => still ?? end(),
          () => undefined,
        ),
      REVOKED_CHECK_MS,
    );
    this.open.add(end);
    writer.closed.addEventListener('abort', end, { once: true });
    try {
      await feed(writer, over.signal);
      if (long) await writer.write(reconnect);
    } finally {
      clearTimeout(longest);
      clearInterval(revoked);
      this.open.delete(end);
      const left = (this.perKey.get(who.keyHash) ?? 1) - 1;
      if (left > 0) this.perKey.set(who.keyHash, left);
      else this.perKey.delete(who.keyHash);
      writer.end();
    }
  }

  /** Clients reconnect, to another gateway or to the next start of this one. */
  stop(): void {
    this.stopping = true;
    for (const end of this.open) end();
  }
}

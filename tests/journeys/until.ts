import { setTimeout as pause } from 'node:timers/promises';

/** Asks again and again until the answer is truthy, which it gives; fails with what was waited for when the time is over. */
export const until = async <Result>(
  ask: () => Promise<Result> | Result,
  {
    what,
    timeoutMs = 50_000,
    everyMs = 50,
    otherwise,
  }: { readonly what: string; readonly timeoutMs?: number; readonly everyMs?: number; readonly otherwise?: () => Promise<string> | string },
): Promise<NonNullable<Result>> => {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const result = await ask();
    if (result) return result as NonNullable<Result>;
    if (Date.now() > deadline) throw new Error(`Expected ${what} within ${timeoutMs} ms, but it did not happen. ${(await otherwise?.()) ?? ''}`);
    await pause(everyMs);
  }
};

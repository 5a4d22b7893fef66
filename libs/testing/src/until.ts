import { setTimeout as pause } from 'node:timers/promises';

/** Resolves with what `look` gives once that is something; rejects with `what` after 50 s: five times as long as a machine under load was seen to need. */
export const until = async <Found>(what: string, look: () => Promise<Found> | Found, withinMs = 50_000): Promise<Exclude<NonNullable<Found>, false>> => {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found) return found as Exclude<NonNullable<Found>, false>;
    if (Date.now() > deadline) throw new Error(`Expected within ${withinMs} ms: ${what}, but it did not happen`);
    await pause(10);
  }
};

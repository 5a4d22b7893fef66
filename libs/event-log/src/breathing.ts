import { setImmediate } from 'node:timers/promises';

/** Longest time that long work keeps the event loop to itself: heartbeats, acknowledgements and requests run on it too. */
const longestMs = 8;
let since = 0;

/** The event loop has just come round. */
export const breatheIn = (): void => {
  since = performance.now();
};

/** Lets others have the event loop, when it is time for that. */
export const breathe = (): Promise<void> | undefined => (performance.now() - since < longestMs ? undefined : setImmediate().then(breatheIn));

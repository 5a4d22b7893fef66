// Deals seeds out to threads, a few per core at most.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

/**
 * Simulates `count` seeds from `from` on; `onResult` may say `false` to stop early. Resolves with how many ran and how long that took
 * once the first thread was ready, ms.
 */
export async function simulate({ from, count, bug, isWatched = false, threads = availableParallelism(), onResult }) {
  let next = from;
  let ran = 0;
  let begun;
  let isOver = false;
  await Promise.all(
    Array.from({ length: Math.min(threads, count) }, async () => {
      const worker = new Worker(new URL('./worker.mjs', import.meta.url), { workerData: { bug, isWatched } });
      try {
        await new Promise((resolve, reject) => {
          worker.on('error', reject);
          worker.on('exit', resolve);
          worker.on('message', (result) => {
            begun ??= performance.now();
            if (result) {
              ran++;
              if (onResult(result) === false) isOver = true;
            }
            if (isOver || next >= from + count) worker.postMessage(null);
            else worker.postMessage(next++);
          });
        });
      } finally {
        await worker.terminate();
      }
    }),
  );
  return { ran, ms: performance.now() - (begun ?? performance.now()) };
}

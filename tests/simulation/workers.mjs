// Deals seeds out to processes, one per core.
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const worker = fileURLToPath(new URL('./worker.mjs', import.meta.url));

/**
 * Simulates `count` seeds from `from` on; `onResult` may say `false` to stop early. Resolves with how many ran and how long that took
 * once the first process was ready, ms.
 */
export async function simulate({ from, count, bug, isWatched = false, onResult }) {
  let next = from;
  let ran = 0;
  let begun;
  let isOver = false;
  const run = () =>
    new Promise((resolve, reject) => {
      const child = fork(worker, [JSON.stringify({ bug, isWatched })]);
      child.on('error', reject);
      child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`Expected a worker to end well, but its exit code is ${code}`))));
      child.on('message', (result) => {
        begun ??= performance.now();
        if (result) {
          ran++;
          if (onResult(result) === false) isOver = true;
        }
        child.send(isOver || next >= from + count ? null : next++);
      });
    });
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), count) }, run));
  return { ran, ms: performance.now() - (begun ?? performance.now()) };
}

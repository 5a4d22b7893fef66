// One thread of `npm run simulate`: runs the seeds it is told, with at most one bug planted.
import { parentPort, workerData } from 'node:worker_threads';
import { readSources } from './sources.mjs';

const sources = readSources(workerData.bug);
const { simulateSeed } = await import('./simulate-seed.ts');
if (workerData.bug && !sources.isPlanted()) throw new Error(`Expected ${workerData.bug.file} to be part of the simulation, but nothing imports it`);
parentPort.on('message', async (seed) => {
  if (seed === null) return parentPort.close();
  parentPort.postMessage(await simulateSeed(seed, workerData.isWatched));
});
parentPort.postMessage(null);

// One process of `npm run simulate`: runs the seeds it is told, with at most one bug planted.
import { readSources } from './sources.mjs';

const { bug, isWatched } = JSON.parse(process.argv[2] ?? '{}');
const sources = readSources(bug);
const { simulateSeed } = await import('./simulate-seed.ts');
if (bug && !sources.isPlanted()) throw new Error(`Expected ${bug.file} to be part of the simulation, but nothing imports it`);
process.on('message', async (seed) => {
  if (seed === null) process.disconnect();
  else process.send(await simulateSeed(seed, isWatched));
});
process.send(null);

import { optionsOrExit, printer, runOneOff } from './one-off.js';
import { rebuildExecutions } from './rebuild/rebuild.js';

const count = (n: number): string => n.toLocaleString('en-US');
const steps = {
  'lay out': 'laying out empty tables beside the live ones',
  index: 'making indexes',
  level: 'catching up with the log',
  swap: 'swapping',
  'wait for readers': 'a long read holds the tables: trying again',
  commit: undefined,
  drop: 'swapped; dropping the former tables',
} as const;

optionsOrExit('npm run rebuild: the read models of executions anew from the log, beside the live ones, then swapped');
await runOneOff('rebuild', async (given) => {
  const print = printer();
  const begun = performance.now();
  const rebuilt = await rebuildExecutions({
    ...given,
    onProgress: ({ step, folded, of }) => {
      if (step !== 'fold') return steps[step] && print(steps[step], true);
      const seconds = (performance.now() - begun) / 1000;
      print(
        `folded ${count(folded)} of ${count(Math.max(of, folded))} records (${Math.floor((100 * folded) / Math.max(of, folded, 1))} %), ${count(Math.round(folded / seconds))} a second`,
      );
    },
  });
  print(
    `rebuilt from ${count(rebuilt.records)} records in ${(rebuilt.ms / 1000).toFixed(1)} s; the projection stood still for ${Math.round(rebuilt.heldMs)} ms, reads waited ${Math.round(rebuilt.readsHeldMs)} ms at most`,
    true,
  );
  return 0;
});

import { optionsOrExit, printer, refuse, runOneOff } from './one-off.js';
import { keepCheck } from './verify/last-check.js';
import { verifyReadModel } from './verify.js';

const MOST_SHOWN = 50;
const count = (n: number): string => n.toLocaleString('en-US');

const usage = 'npm run verify:data [-- --one-in 100]: compares the read models with the log, or one execution in so many; ends with 1 when something differs';
const { 'one-in': sample = '1' } = optionsOrExit(usage, ['one-in']);
const oneIn = Number(sample);
if (!Number.isSafeInteger(oneIn) || oneIn < 1) refuse(`Expected a whole number of at least 1 for --one-in, but got '${sample}'.`, usage);

await runOneOff('verify', async (given) => {
  const print = printer();
  const begun = performance.now();
  const found = await verifyReadModel({
    ...given,
    oneIn,
    onProgress: ({ records, checked, drift }) => print(`read ${count(records)} records, compared ${count(checked)} executions${drift > 0 ? `, ${count(drift)} differ` : ''}`),
  });
  if (oneIn === 1) await keepCheck(given.database, found, Date.now());
  const { checked, drift } = found;
  for (const { executionId, because } of drift.slice(0, MOST_SHOWN)) print(`${executionId}: ${because}`, true);
  if (drift.length > MOST_SHOWN) print(`... and ${count(drift.length - MOST_SHOWN)} more`, true);
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  print(
    drift.length === 0
      ? `${count(checked)} executions are the fold of the log (${seconds} s)`
      : `${count(drift.length)} differ from the log, of ${count(checked)} executions (${seconds} s)`,
    true,
  );
  return drift.length === 0 ? 0 : 1;
});

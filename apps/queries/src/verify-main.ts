import { printer, runOneOff } from './one-off.js';
import { keepCheck } from './verify/last-check.js';
import { verifyReadModel } from './verify.js';

const MOST_SHOWN = 50;
const count = (n: number): string => n.toLocaleString('en-US');

const at = process.argv.indexOf('--one-in');
const oneIn = at < 0 ? 1 : Number(process.argv[at + 1]);
if (!Number.isSafeInteger(oneIn) || oneIn < 1) {
  process.stderr.write(`Expected a whole number after --one-in, but got '${process.argv[at + 1]}'\n`);
  process.exit(2);
}

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

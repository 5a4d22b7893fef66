// `npm run simulate -- --seeds N [--from S]`: N whole systems on simulated ports, each driven by one seed. `--seed S` shows one seed with
// what its stations logged, `--faults` plants one bug after the other and writes docs/planted-bugs.md, `--fault <name>` plants one.
import { fileURLToPath } from 'node:url';
import { commandLine } from '../../deploy/local/command-line.mjs';
import { runPinned, setUp } from '../../deploy/local/setup.mjs';
import { plantedBugs } from './planted-bugs.mjs';
import { reportPlantedBugs } from './planted-bugs-report.mjs';
import { simulate } from './workers.mjs';

if (Number(process.versions.node.split('.')[0]) < 24) {
  await setUp();
  process.exit(await runPinned([fileURLToPath(import.meta.url), ...process.argv.slice(2)]));
}

const values = commandLine({
  usage: `npm run simulate -- [--seeds 1000] [--from 1]: whole systems on simulated ports, each driven by one seed
npm run simulate -- --seed <seed>: one of them, with what its stations logged
npm run simulate -- --faults [--fault <bug>]: docs/planted-bugs.md anew, or the row of one bug
Beside the others, --fault <bug> plants one.`,
  flags: ['faults'],
  values: { seeds: '1000', from: '1', seed: undefined, fault: undefined },
});
const say = (line) => process.stdout.write(`${line}\n`);
const refuse = (problem) => {
  process.stderr.write(`${problem}\n`);
  process.exit(2);
};
const whole = (name, least = 0) => {
  const number = Number(values[name]);
  if (/^\d+$/.test(values[name]) && number >= least && Number.isSafeInteger(number)) return number;
  return refuse(`Expected a whole number of at least ${least} for --${name}, but got '${values[name]}'.`);
};

const bug = values.fault === undefined ? undefined : plantedBugs.find(({ name }) => name === values.fault);
if (values.fault !== undefined && !bug) refuse(`Expected a planted bug, but there is no '${values.fault}': ${plantedBugs.map(({ name }) => name).join(', ')}`);
const again = (seed) => `npm run simulate -- --seed ${seed}${bug ? ` --fault ${bug.name}` : ''}`;

if (values.faults) {
  const { caught, planted } = await reportPlantedBugs(say, bug);
  say(`${caught} of ${planted} planted bugs were caught: docs/planted-bugs.md`);
  process.exitCode = caught >= planted - 1 ? 0 : 1;
} else if (values.seed !== undefined) {
  const onResult = ({ seed, hash, events, violations, lines }) => {
    for (const line of lines) say(line);
    say(`seed ${seed}: ${events} events, log ${hash}`);
    for (const violation of violations) say(`  ${violation}`);
    if (violations.length > 0) process.exitCode = 1;
  };
  await simulate({ from: whole('seed'), count: 1, bug, isWatched: true, onResult });
} else {
  let failed = 0;
  let isFound = false;
  const onResult = ({ seed, violations }) => {
    if (violations.length === 0) return !isFound;
    failed++;
    isFound = bug !== undefined;
    say(`seed ${seed} failed: ${violations[0]}${violations.length > 1 ? ` (and ${violations.length - 1} more)` : ''}\n  ${again(seed)}`);
    return !isFound;
  };
  const { ran, ms } = await simulate({ from: whole('from'), count: whole('seeds', 1), bug, onResult });
  say(`${ran} seeds in ${(ms / 1000).toFixed(1)} s: ${Math.round((ran / ms) * 60_000)} a minute, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

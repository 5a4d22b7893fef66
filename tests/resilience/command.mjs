// A storm as a command: numbers from the command line, its result as JSON, progress on standard error.
import { commandLine } from '../../deploy/local/command-line.mjs';
import { setUp } from '../../deploy/local/setup.mjs';

/**
 * `defaults`: the numbers that `--<name> N` sets, `minutes` (its time limit) among them. Ends the process with 0 when nothing is violated and `complaint`,
 * asked about the result, has none.
 */
export async function command(storm, { minutes, ...defaults }, complaint = () => undefined) {
  const usage = `npm run ${process.env.npm_lifecycle_event ?? '<storm>'} -- ${Object.entries({ ...defaults, minutes })
    .map(([name, number]) => `[--${name} ${number}]`)
    .join(' ')}`;
  const { minutes: within, ...numbers } = commandLine({ usage, values: { ...defaults, minutes } });
  await setUp();
  const say = (line) => process.stderr.write(`${line}\n`);
  const alive = setInterval(() => {}, 60_000);
  const result = await storm({ ...numbers, timeoutMs: within * 60_000, say });
  clearInterval(alive);
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  const complained = complaint(result);
  if (complained) say(complained);
  process.exit(!complained && Object.values(result.violations).every((list) => list.length === 0) ? 0 : 1);
}

// A storm as a command: numbers from the command line, its result as JSON, progress on standard error.
import { setUp } from '../../deploy/local/setup.mjs';

/**
 * `defaults`: the numbers that `--<name> N` sets, `minutes` (its time limit) among them. Ends the process with 0 when nothing is violated and `complaint`,
 * asked about the result, has none.
 */
export async function command(storm, { minutes, ...defaults }, complaint = () => undefined) {
  const option = (name, fallback) => {
    const i = process.argv.indexOf(`--${name}`);
    return i < 0 ? fallback : Number(process.argv[i + 1]);
  };
  await setUp();
  const say = (line) => process.stderr.write(`${line}\n`);
  const numbers = Object.fromEntries(Object.entries(defaults).map(([name, fallback]) => [name, option(name, fallback)]));
  const alive = setInterval(() => {}, 60_000);
  const result = await storm({ ...numbers, timeoutMs: option('minutes', minutes) * 60_000, say });
  clearInterval(alive);
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  const complained = complaint(result);
  if (complained) say(complained);
  process.exit(!complained && Object.values(result.violations).every((list) => list.length === 0) ? 0 : 1);
}

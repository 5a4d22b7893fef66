// `npm run test:storm [-- --executions N --kills N --stops N --seed N --minutes N]`; S0 (200 executions, 10 kills) runs in `npm test`.
import { join } from 'node:path';
import { root, runPinned, setUp } from '../../deploy/local/setup.mjs';

const isPinned = Number(process.versions.node.split('.')[0]) >= 24;
const option = (name, fallback) => {
  const i = process.argv.indexOf(`--${name}`);
  return i < 0 ? fallback : Number(process.argv[i + 1]);
};

await setUp();
if (!isPinned) process.exit(await runPinned([join(root, 'tests/resilience/storm.mjs'), ...process.argv.slice(2)]));

const { storm } = await import('./storming.mjs');
const options = {
  executions: option('executions', 5_000),
  kills: option('kills', 200),
  stops: option('stops', 20),
  seed: option('seed', 1),
  timeoutMs: option('minutes', 30) * 60_000,
};
const alive = setInterval(() => {}, 60_000);
const result = await storm({ ...options, say: (line) => process.stderr.write(`${line}\n`) });
clearInterval(alive);
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
process.exit(Object.values(result.violations).every((list) => list.length === 0) ? 0 : 1);

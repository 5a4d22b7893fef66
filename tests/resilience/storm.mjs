// `npm run test:storm [-- --executions N --kills N --stops N --seed N --minutes N]`; S0 (200 executions, 10 kills) runs in `npm test`.
import { join } from 'node:path';
import { root, runPinned, setUp } from '../../deploy/local/setup.mjs';
import { command } from './command.mjs';

if (Number(process.versions.node.split('.')[0]) < 24) {
  await setUp();
  process.exit(await runPinned([join(root, 'tests/resilience/storm.mjs'), ...process.argv.slice(2)]));
}
const { storm } = await import('./storming.mjs');
await command(storm, { executions: 5_000, kills: 200, stops: 20, seed: 1, minutes: 30 });

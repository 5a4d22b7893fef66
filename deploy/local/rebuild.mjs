// `npm run rebuild`: the read models of executions anew from the log, beside the live ones, then swapped. Needs no pause.
import { join } from 'node:path';
import { root, runPinned, setUp } from './setup.mjs';

await setUp();
process.exitCode = await runPinned(['--enable-source-maps', join(root, 'apps/queries/dist/rebuild-main.js'), ...process.argv.slice(2)]);

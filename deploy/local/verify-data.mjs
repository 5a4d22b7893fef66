// `npm run verify:data [-- --one-in 100]`: compares the read models with the log, all of them or one execution in so many. Ends with 1 when something differs.
import { join } from 'node:path';
import { root, runPinned, setUp } from './setup.mjs';

await setUp();
process.exitCode = await runPinned(['--enable-source-maps', join(root, 'apps/queries/dist/verify-main.js'), ...process.argv.slice(2)]);

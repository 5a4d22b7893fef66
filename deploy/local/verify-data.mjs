// `npm run verify:data`: compares the read models with the log. Ends with 1 when something differs.
import { join } from 'node:path';
import { root, runPinned, setUp } from './setup.mjs';

await setUp();
process.exitCode = await runPinned(['--enable-source-maps', join(root, 'apps/queries/dist/verify-main.js')]);

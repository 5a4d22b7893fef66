// `npm start`: set-up, then everything in one process on the embedded database, in the foreground.
import { join } from 'node:path';
import { root, runPinned, setUp } from './setup.mjs';

await setUp();
process.exitCode = await runPinned(['--enable-source-maps', join(root, 'apps/standalone/dist/main.js')]);

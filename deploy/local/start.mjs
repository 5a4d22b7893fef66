// `npm start`: set-up, then everything in one process on the embedded database, in the foreground.
import { runPinned, setUp, standaloneCommand } from './setup.mjs';

await setUp();
process.exitCode = await runPinned(['--enable-source-maps', ...standaloneCommand]);

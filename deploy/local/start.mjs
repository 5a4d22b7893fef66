// `npm start`: set-up, then everything in one process on the embedded database, in the foreground.
import { runPinned, setUp, standaloneCommand, standaloneEnv } from './setup.mjs';

await setUp();
process.exitCode = await runPinned(standaloneCommand, { env: standaloneEnv });

// `npm run openapi`: writes docs/openapi.json as the gateway's routes are now. The tests compare it.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root, setUp } from './setup.mjs';

await setUp();
const { describeOffline } = await import('../../apps/gateway/dist/index.js');
await writeFile(join(root, 'docs/openapi.json'), `${JSON.stringify(await describeOffline(), null, 2)}\n`);
process.stdout.write('docs/openapi.json is up to date\n');
process.exit(0);

// Restate: its server from npm, and a service of the same workloads. PORT (ingress), ADMIN_PORT, NODE_PORT, SERVICE_PORT, HOME_DIR.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as restate from '@restatedev/restate-sdk';

const { PORT, ADMIN_PORT, NODE_PORT, SERVICE_PORT, HOME_DIR, WIDTH = '500' } = process.env;
const launcher = join(dirname(createRequire(import.meta.url).resolve('@restatedev/restate-server-linux-x64/package.json')), 'bin/restate-server');
const server = spawn(launcher, ['--base-dir', HOME_DIR, '--node-name', 'peer', '--log-filter', 'warn'], {
  env: {
    ...process.env,
    RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${PORT}`,
    RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${ADMIN_PORT}`,
    RESTATE_BIND_ADDRESS: `127.0.0.1:${NODE_PORT}`,
    RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${NODE_PORT}`,
    DO_NOT_TRACK: '1',
    RESTATE_DISABLE_TELEMETRY: 'true',
  },
  stdio: ['ignore', 'ignore', 'inherit'],
});
process.on('exit', () => server.kill('SIGKILL'));
process.on('disconnect', () => process.exit(0));

const peer = restate.service({
  name: 'peer',
  handlers: {
    steps: async (ctx) => {
      let x = 1;
      for (let i = 0; i < 5; i++) x = await ctx.run(`s${i + 1}`, async () => x + 1);
      return { status: 'completed', output: x };
    },
    fan: async (ctx) => {
      const all = await restate.RestatePromise.all(Array.from({ length: Number(WIDTH) }, (_, i) => ctx.run(`s${i + 1}`, async () => 1)));
      return { status: 'completed', output: all.length };
    },
  },
});
await restate.serve({ services: [peer], port: Number(SERVICE_PORT) });
for (const deadline = Date.now() + 30_000; ; ) {
  const ok = await fetch(`http://127.0.0.1:${ADMIN_PORT}/deployments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ uri: `http://127.0.0.1:${SERVICE_PORT}` }),
  }).then(
    (response) => response.ok,
    () => false,
  );
  if (ok) break;
  if (Date.now() > deadline) throw new Error('Restate did not take the deployment');
  await new Promise((done) => setTimeout(done, 100));
}
process.send?.('ready');

// DBOS behind a plain HTTP server, on a PostgreSQL of its own: the same workloads as ours. PORT, DATABASE_URL.
import { createServer } from 'node:http';
import { DBOS } from '@dbos-inc/dbos-sdk';

DBOS.setConfig({
  name: 'peer',
  systemDatabaseUrl: process.env.DATABASE_URL,
  runAdminServer: false,
  logLevel: 'error',
});

const steps = DBOS.registerWorkflow(
  async (x) => {
    for (let i = 0; i < 5; i++) x = await DBOS.runStep(async () => x + 1, { name: `s${i + 1}` });
    return x;
  },
  { name: 'steps' },
);
const fan = DBOS.registerWorkflow(
  async (width) => {
    const all = await Promise.all(Array.from({ length: width }, (_, i) => DBOS.runStep(async () => 1, { name: `s${i + 1}` })));
    return all.length;
  },
  { name: 'fan' },
);
await DBOS.launch();

const routes = {
  '/steps': async () => (await DBOS.startWorkflow(steps)(1)).getResult(),
  '/fan': async () => (await DBOS.startWorkflow(fan)(Number(process.env.WIDTH ?? 500))).getResult(),
  '/list': async () =>
    DBOS.listWorkflows({
      status: 'SUCCESS',
      limit: 50,
      sortDesc: true,
      loadInput: true,
      loadOutput: true,
    }),
};
createServer((request, response) => {
  request.resume().on('end', async () => {
    try {
      const output = await routes[new URL(request.url, 'http://x').pathname]();
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ status: 'completed', output }));
    } catch (error) {
      response.writeHead(500).end(error.stack);
    }
  });
}).listen(Number(process.env.PORT), '127.0.0.1', () => process.send?.('ready'));
process.on('disconnect', () => process.exit(0));

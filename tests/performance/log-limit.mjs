// What the log itself can do on this machine in this run: the limit that the figures of the workloads are read against.
// Usage: node log-limit.mjs postgres <url> | kafka <brokers>; prints one JSON line.
import { createPostgresLog, defaultPartitionCounts, openKafkaLog } from '../../libs/event-log/dist/index.js';
import { createLogger } from '../../libs/platform/dist/index.js';

const [adapter, target] = process.argv.slice(2);
const logger = createLogger('bench', { logLevel: 'error' });
const options = { partitions: defaultPartitionCounts, adoptsPartitions: true, logger };
const log =
  adapter === 'kafka'
    ? await openKafkaLog({
        ...options,
        brokers: target.split(','),
        clientId: 'bench',
      })
    : createPostgresLog({ ...options, connectionString: target });
await log.start();

const topic = 'execution-frames';
const value = Buffer.alloc(500, 'x');
let arrived = () => {};
let received = 0;
const tail = await log.tail({
  topic,
  start: async () => 'end',
  onBatch: async ({ records }) => {
    received += records.length;
    arrived();
  },
});

const send = (records) => log.send([{ topic, partition: 0, records }]);
const record = { key: 'bench', value };
const appends = [];
const hops = [];
for (let i = 0; i < 300; i++) {
  const before = received;
  const t = performance.now();
  const hop = new Promise((done) => {
    arrived = () => received > before && done();
  });
  await send([record]);
  appends.push(performance.now() - t);
  await hop;
  hops.push(performance.now() - t);
}
arrived = () => {};
const batches = 100;
const batch = Array.from({ length: 500 }, () => record);
const target_count = received + batches * batch.length;
const begin = performance.now();
const lanes = Array.from({ length: 4 }, async () => {
  for (let i = 0; i < batches / 4; i++) await send(batch);
});
await Promise.all(lanes);
const produced = performance.now();
while (received < target_count) await new Promise((done) => setTimeout(done, 5));
const consumed = performance.now();

const p50 = (list) => Math.round([...list].sort((a, b) => a - b)[list.length >> 1] * 100) / 100;
process.stdout.write(
  `${JSON.stringify({
    server: await log.serverVersion(),
    append_p50_ms: p50(appends.slice(50)),
    hop_p50_ms: p50(hops.slice(50)),
    appends_per_second: Math.round((batches * batch.length) / ((produced - begin) / 1000)),
    delivered_per_second: Math.round((batches * batch.length) / ((consumed - begin) / 1000)),
  })}\n`,
);
await tail.stop();
await log.stop();
process.exit(0);

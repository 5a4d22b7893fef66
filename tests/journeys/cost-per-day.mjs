// An example of a service that lives on `execution-events` with plain kafkajs and nothing of Runlog's own: what each workflow did and cost on each day (UTC).
//   KAFKA_BROKERS=localhost:9092 node cost-per-day.mjs > cost-per-day.csv
// It reads everything up to now and ends. docs/asyncapi.json describes what it reads.
import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';

const TOPIC = 'execution-events';
const kafka = new kafkajs.Kafka({ clientId: 'cost-per-day', brokers: (process.env.KAFKA_BROKERS ?? 'localhost:9092').split(','), logLevel: kafkajs.logLevel.ERROR });

/** Workflow of each execution, from its first event. */
const workflowOf = new Map();
const days = new Map();

const add = (day, workflow, column, amount) => {
  const key = `${day},${workflow}`;
  if (!days.has(key)) days.set(key, { executions: 0, completed: 0, failed: 0, cancelled: 0, nodes: 0, cost_nano_usd: 0n });
  days.get(key)[column] += amount;
};

const columns = { ExecutionCreated: 'executions', ExecutionCompleted: 'completed', ExecutionFailed: 'failed', ExecutionCancelled: 'cancelled', NodeCompleted: 'nodes' };

/** One event that counts. */
function count(type, execution, at, data) {
  if (type === 'ExecutionCreated') workflowOf.set(execution, data.workflow_id);
  const [day, workflow] = [at.slice(0, 10), workflowOf.get(execution)];
  if (columns[type]) add(day, workflow, columns[type], 1);
  if (type === 'TokensUsed') add(day, workflow, 'cost_nano_usd', BigInt(data.cost_nano_usd ?? 0));
}

// The end of each partition as of now.
const admin = kafka.admin();
await admin.connect();
const ends = new Map((await admin.fetchTopicOffsets(TOPIC)).map(({ partition, low, high }) => [partition, { low: Number(low), high: Number(high) }]));
await admin.disconnect();
const open = new Set([...ends].filter(([, { low, high }]) => high > low).map(([partition]) => partition));

const consumer = kafka.consumer({ groupId: `cost-per-day-${randomUUID()}` });
await consumer.connect();
await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
/** The claim in force in each partition: an event under any other was written by an owner that had been replaced, and does not count. */
const claims = new Map();
await new Promise((done, fail) => {
  if (open.size === 0) done();
  consumer.on(consumer.events.CRASH, ({ payload }) => fail(payload.error));
  consumer
    .run({
      autoCommit: false,
      eachBatch: async ({ batch: { partition, messages } }) => {
        for (const { offset, headers, value } of messages) {
          const text = (name) => headers[name]?.toString();
          if (Number(offset) >= ends.get(partition).high) break;
          if (text('ce_type') === 'Claim') claims.set(partition, offset);
          else if (text('ce_claim') === claims.get(partition)) count(text('ce_type'), text('ce_subject'), text('ce_time'), JSON.parse(value.toString()));
        }
        if (Number(messages.at(-1)?.offset ?? -1) >= ends.get(partition).high - 1) open.delete(partition);
        if (open.size === 0) done();
      },
    })
    .catch(fail);
});
await consumer.disconnect();

const dollars = (nano) => `${nano / 1_000_000_000n}.${String(nano % 1_000_000_000n).padStart(9, '0')}`;
process.stdout.write('day,workflow_id,executions,completed,failed,cancelled,nodes,cost_usd\n');
for (const [key, row] of [...days].sort(([a], [b]) => a.localeCompare(b)))
  process.stdout.write(`${key},${row.executions},${row.completed},${row.failed},${row.cancelled},${row.nodes},${dollars(row.cost_nano_usd)}\n`);

// Reads execution-events with plain kafkajs and none of Runlog's code: applies the claim rule and the hash chain as the documents state them.
import { createHash } from 'node:crypto';
import kafkajs from 'kafkajs';

const topic = 'execution-events';

/** The id that an event's content gives: SHA-256 over its fields, each with its length before it. */
const digestOf = (fields) => {
  const digest = createHash('sha256');
  for (const field of fields) {
    const bytes = Buffer.isBuffer(field) ? field : Buffer.from(String(field));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    digest.update(length).update(bytes);
  }
  return digest.digest('hex');
};

/** What an event's id must be. */
export const idOf = ({ previous, execution, version, type, schemaVersion, command, commandOffset, workspace, at, value }) =>
  digestOf([previous, execution, version, type, schemaVersion, command, commandOffset, workspace, at, value]);

/** Resolves with `{ events, voids, claims }`: events in log order per partition, each with what its headers say; ids of void ones; how many claims. */
export async function readLog(brokers) {
  const kafka = new kafkajs.Kafka({ clientId: 'independent-reader', brokers, logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const ends = new Map((await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, Number(high)]));
  await admin.disconnect();
  const consumer = kafka.consumer({ groupId: `independent-${process.pid}-${Date.now()}`, maxWaitTimeInMs: 50 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const at = new Map([...ends].map(([partition, end]) => [partition, end === 0 ? 0 : -1]));
  const current = new Map();
  const [events, voids] = [[], []];
  let claims = 0;
  const level = () => [...ends].every(([partition, end]) => at.get(partition) >= end);
  await new Promise((done) => {
    if (level()) return done();
    consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        for (const { offset, headers, key, value, timestamp } of batch.messages) {
          if (Number(offset) >= ends.get(batch.partition)) break;
          const header = (name) => headers[name]?.toString() ?? '';
          at.set(batch.partition, Number(offset) + 1);
          if (header('ce_type') === 'Claim') {
            current.set(batch.partition, Number(offset));
            claims++;
          } else if (Number(header('ce_claim')) !== current.get(batch.partition)) voids.push(header('ce_id'));
          else
            events.push({
              partition: batch.partition,
              offset: Number(offset),
              key: key.toString(),
              id: header('ce_id'),
              type: header('ce_type'),
              execution: header('ce_subject'),
              at: Date.parse(header('ce_time')),
              appendedAt: Number(timestamp),
              version: Number(header('ce_version')),
              schemaVersion: Number(header('ce_schemaversion')),
              previous: header('ce_previous'),
              command: header('ce_commandid'),
              commandOffset: Number(header('ce_commandoffset')),
              workspace: header('ce_workspace'),
              value,
              data: JSON.parse(value.toString()),
            });
        }
        if (level()) done();
      },
    });
  });
  await consumer.disconnect();
  return { events, voids, claims };
}

import type { Topic, TopicDeclaration } from '../topics.js';
import { brokerBatchBytes } from './records.js';
import type { Wire } from './wire.js';

const week = 7 * 24 * 3_600_000;
const tenMinutes = 600_000;

/** Kafka drops whole segments only, so topics that forget soon get small ones. */
const segmentMs = (retentionMs: number): number => (retentionMs < 0 ? week : Math.min(week, Math.max(tenMinutes, Math.floor(retentionMs / 4))));

const settings = ({ retentionMs }: TopicDeclaration, replication: number): Record<string, string> => ({
  'cleanup.policy': 'delete',
  'retention.ms': String(retentionMs),
  'retention.bytes': '-1',
  'segment.ms': String(segmentMs(retentionMs)),
  'max.message.bytes': String(brokerBatchBytes),
  'message.timestamp.type': 'LogAppendTime',
  'compression.type': 'uncompressed',
  'unclean.leader.election.enable': 'false',
  ...(replication > 1 && { 'min.insync.replicas': String(Math.max(1, replication - 1)) }),
});

/** Creates the topics that are missing and checks the partition counts of all; resolves once each partition has a leader. */
export const declareOnKafka = async (wire: Wire, declarations: readonly TopicDeclaration[], replication: number): Promise<void> => {
  const line = await wire.anyLine();
  try {
    for (const declaration of declarations) {
      const { topic, partitions } = declaration;
      const configEntries = Object.entries(settings(declaration, replication)).map(([name, value]) => ({ name, value }));
      await line.broker.createTopics({ topics: [{ topic, numPartitions: partitions, replicationFactor: replication, configEntries }], timeout: 4_000 }).catch(unlessThere);
    }
  } finally {
    line.close();
  }
  wire.watch(declarations.map(({ topic }) => topic));
  const counts = await wire.partitionCounts();
  for (const { topic, partitions } of declarations) checkCount(topic, partitions, counts.get(topic));
  for (const { topic, partitions } of declarations) for (let partition = 0; partition < partitions; partition++) await wire.leader(topic, partition);
};

/** Stored topics differ from the settings: retrying does not help. */
export class PartitionCountMismatch extends Error {}

const checkCount = (topic: Topic, declared: number, actual: number | undefined): void => {
  if (actual === undefined || actual === declared) return;
  throw new PartitionCountMismatch(
    `Expected topic '${topic}' to have ${declared} partitions, but it has ${actual}. Keys would move: set RUNLOG_PARTITIONS to what the topics were created with, or start on an empty Kafka.`,
  );
};

const unlessThere = (error: unknown): void => {
  const causes = (error as { errors?: { type?: string }[] }).errors ?? [error as { type?: string }];
  if (causes.some(({ type }) => type !== 'TOPIC_ALREADY_EXISTS')) throw (causes[0] as Error) ?? error;
};

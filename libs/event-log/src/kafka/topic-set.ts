import { declareTopics, type PartitionCounts, standingCounts, type TopicDeclaration } from '../topics.js';
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

/** Creates the topics that are missing; resolves with the partition counts that hold once each partition has a leader. @throws PartitionCountMismatch */
export const declareOnKafka = async (wire: Wire, asked: PartitionCounts, adopts: boolean, replication: number): Promise<PartitionCounts> => {
  const line = await wire.anyLine();
  try {
    const { topicMetadata } = await line.broker.metadata([]);
    const existing = new Map(topicMetadata.map(({ topic, partitionMetadata }) => [topic, partitionMetadata.length]));
    for (const declaration of declareTopics(standingCounts(asked, existing, adopts))) {
      const { topic, partitions } = declaration;
      const configEntries = Object.entries(settings(declaration, replication)).map(([name, value]) => ({ name, value }));
      await line.broker.createTopics({ topics: [{ topic, numPartitions: partitions, replicationFactor: replication, configEntries }], timeout: 4_000 }).catch(unlessThere);
    }
  } finally {
    line.close();
  }
  wire.watch(declareTopics(asked).map(({ topic }) => topic));
  const counts = standingCounts(asked, await wire.partitionCounts(), adopts);
  for (const { topic, partitions } of declareTopics(counts)) for (let partition = 0; partition < partitions; partition++) await wire.leader(topic, partition);
  return counts;
};

const unlessThere = (error: unknown): void => {
  const causes = (error as { errors?: { type?: string }[] }).errors ?? [error as { type?: string }];
  if (causes.some(({ type }) => type !== 'TOPIC_ALREADY_EXISTS')) throw (causes[0] as Error) ?? error;
};

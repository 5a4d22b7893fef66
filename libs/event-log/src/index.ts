export {
  AppendLost,
  type Batch,
  type EventLog,
  type GroupReader,
  type LogRecord,
  type NewRecord,
  type Outgoing,
  type OwnedPartition,
  type OwnerOptions,
  type Position,
  ProgressMismatch,
  RecordTooLarge,
  type Subscription,
  type TailReader,
} from './port.js';
export { declareTopics, defaultPartitionCounts, type PartitionCounts, type Topic, type TopicDeclaration } from './topics.js';
export { partitionOf } from './partition.js';
export { chainId, type ChainLink } from './chain.js';
export { claimOf, type DecodedEvent, decodeEvent, decodeJson, encodeClaim, encodeEvent, encodeJson, type EventEnvelope, isClaim } from './envelope.js';
export { UndecodableRecord } from './undecodable.js';
export { type Upcaster, Upcasters, type WrittenEvent } from './upcasters.js';
export { type Accepted, AcceptedEvents } from './claims.js';
export { checkProgress, positionAfter, witness } from './progress.js';
export { deadLetter, decodeOrDeadLetter } from './dead-letters.js';
export { createKafkaLog, type KafkaLogOptions } from './kafka/kafka-log.js';
export { createPostgresLog, type PostgresLogOptions } from './postgres/postgres-log.js';
export type { Diagnostics } from './diagnostics.js';

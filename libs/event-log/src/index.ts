export { breathe, breatheIn } from './breathing.js';
export { type ChainLink, chainId } from './chain.js';
export { type Accepted, AcceptedEvents } from './claims.js';
export { deadLetter, decodeOrDeadLetter } from './dead-letters.js';
export type { Diagnostics } from './diagnostics.js';
export { type DecodedEvent, decodeEvent, decodeJson, type EventEnvelope, encodeClaim, encodeEvent, encodeJson, isClaim } from './envelope.js';
export type { KafkaLogOptions } from './kafka/kafka-log.js';
export { openKafkaLog } from './kafka/open-kafka-log.js';
export { partitionOf } from './partition.js';
export { pause } from './pause.js';
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
  type Urgency,
} from './port.js';
export { createPostgresLog, type PostgresLogOptions } from './postgres/postgres-log.js';
export { checkProgress, positionAfter, witness } from './progress.js';
export { declareTopics, defaultPartitionCounts, PartitionCountMismatch, type PartitionCounts, type Topic, type TopicDeclaration } from './topics.js';
export { UndecodableRecord } from './undecodable.js';
export { type Upcaster, Upcasters, type WrittenEvent } from './upcasters.js';

import declared from '../../../deploy/kafka/topics.json' with { type: 'json' };

/** Topics are declared once, in `deploy/kafka/topics.json`. */
export type Topic = keyof typeof declared;

/** How many partitions each class of topic has; fixed at creation, checked at boot. */
export interface PartitionCounts {
  readonly executions: number;
  readonly tasks: number;
  readonly instances: number;
  readonly one: number;
}

export const defaultPartitionCounts: PartitionCounts = { executions: 4, tasks: 8, instances: 4, one: 1 };

export interface TopicDeclaration {
  readonly topic: Topic;
  readonly partitions: number;
  /** Milliseconds; -1 keeps records for ever. */
  readonly retentionMs: number;
  readonly writers: readonly string[];
}

/** Every topic with its partitions for the given counts. */
export const declareTopics = (counts: PartitionCounts = defaultPartitionCounts): readonly TopicDeclaration[] =>
  (Object.entries(declared) as [Topic, (typeof declared)[Topic]][]).map(([topic, { partitions, retentionMs, writers }]) => ({
    topic,
    partitions: counts[partitions as keyof PartitionCounts],
    retentionMs,
    writers,
  }));

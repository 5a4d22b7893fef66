import declared from '../../../deploy/kafka/topics.json' with { type: 'json' };

/** Topics are declared once, in `deploy/kafka/topics.json`. */
export type Topic = keyof typeof declared;

/** How many partitions each class of topic has; fixed at creation, checked at boot. */
export type PartitionCounts = Readonly<Record<'executions' | 'tasks' | 'instances' | 'one', number>>;

export const defaultPartitionCounts: PartitionCounts = { executions: 4, tasks: 8, instances: 4, one: 1 };

/** Stored topics differ from the settings: retrying does not help. */
export class PartitionCountMismatch extends Error {}

/** No setting names the others. */
const chosen: readonly string[] = ['executions', 'tasks'];

/**
 * The counts that hold where some topics exist: theirs. What is `asked` for counts for classes of which there are none yet, and, unless it `adopts`
 * what is there, must be what they were made with. Topics of one class have one count. @throws PartitionCountMismatch
 */
export const standingCounts = (asked: PartitionCounts, existing: ReadonlyMap<string, number>, adopts: boolean): PartitionCounts => {
  const counts: Record<keyof PartitionCounts, number> = { ...asked };
  const found = new Set<string>();
  for (const { topic, partitions } of declareTopics(asked)) {
    const actual = existing.get(topic);
    if (actual === undefined) continue;
    const kind = declared[topic].partitions as keyof PartitionCounts;
    if (found.has(kind) && actual !== counts[kind])
      throw new PartitionCountMismatch(
        `Expected topic '${topic}' to have ${counts[kind]} partitions as the others of its kind have, but it has ${actual}. Give all of them that number, or start on an empty log.`,
      );
    found.add(kind);
    if (actual === partitions) continue;
    if (!adopts && chosen.includes(kind))
      throw new PartitionCountMismatch(
        `Expected topic '${topic}' to have ${partitions} partitions, but it has ${actual}. Keys would move: set RUNLOG_PARTITIONS to what the topics were created with, leave it out, or start on an empty log.`,
      );
    counts[kind] = actual;
  }
  return counts;
};

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

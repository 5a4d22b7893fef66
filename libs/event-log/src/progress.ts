import { isClaim } from './envelope.js';
import { type EventLog, type LogRecord, type Position, ProgressMismatch } from './port.js';
import type { Topic } from './topics.js';

/** Where a reader stands once it has handled `record`. `claim` is the one in force after it; only the events topic has claims. */
export const positionAfter = (record: LogRecord, topicId: string, claim = -1): Position => ({
  topicId,
  partition: record.partition,
  offset: record.offset + 1,
  claim,
  previous: witness(record),
});

/** What a position remembers of the record before it. */
export const witness = (record: LogRecord): string => record.headers.ce_id ?? '';

/**
 * Stored progress must fit the log: same topic, an offset that the log still reaches, the same record before it, a claim where it says.
 * @throws ProgressMismatch with what to do about it.
 */
export const checkProgress = async (log: EventLog, position: Position, topic: Topic = 'execution-events'): Promise<void> => {
  const { partition, offset, claim } = position;
  const refuse = (actual: string, instruction: string): never => {
    throw new ProgressMismatch(`Expected to read '${topic}/${partition}' on from offset ${offset}, but ${actual}. ${instruction}`);
  };
  const topicId = await log.topicId(topic);
  if (topicId !== position.topicId)
    refuse(
      `the topic is another one now (${topicId}, progress was stored for ${position.topicId})`,
      "The log was wiped or replaced: restore the log, or delete this reader's stored progress and what it built, so that it starts anew.",
    );
  const [begin, end] = await Promise.all([log.begin(topic, partition), log.end(topic, partition)]);
  if (offset > end) refuse(`the log ends at ${end}`, "The log was restored from an older copy: restore the newer log, or delete this reader's stored progress and what it built.");
  if (offset < begin) refuse(`the log begins at ${begin}`, "Records in between have expired: delete this reader's stored progress to go on from the beginning of the log.");
  if (offset > begin) {
    const before = await recordAt(log, topic, partition, offset - 1);
    const found = before && witness(before);
    if (found !== position.previous)
      refuse(
        `the record before it is '${found ?? 'missing'}' and not '${position.previous}'`,
        "Log and stored progress have different pasts: restore the matching pair, or delete this reader's stored progress and what it built.",
      );
  }
  if (claim >= offset) refuse(`its claim ${claim} is not before it`, 'The stored progress is damaged: delete it and what the reader built.');
  if (claim >= begin) {
    const claimed = await recordAt(log, topic, partition, claim);
    if (!claimed || !isClaim(claimed))
      refuse(
        `there is no claim at ${claim}`,
        "Log and stored progress have different pasts: restore the matching pair, or delete this reader's stored progress and what it built.",
      );
  }
};

const recordAt = async (log: EventLog, topic: Topic, partition: number, offset: number): Promise<LogRecord | undefined> => {
  for await (const records of log.read(topic, partition, offset, offset + 1)) return records[0];
  return undefined;
};

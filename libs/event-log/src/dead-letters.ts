import { partitionOf } from './partition.js';
import type { EventLog, LogRecord } from './port.js';
import { UndecodableRecord } from './undecodable.js';

/** Keeps a record that nobody can handle, with its cause and where it stood. Resolves once it is on the log. */
export const deadLetter = async (log: Pick<EventLog, 'send' | 'partitions'>, record: LogRecord, cause: unknown): Promise<void> => {
  const because = cause instanceof Error ? cause.message : String(cause);
  await log.send([
    {
      topic: 'dead-letters',
      partition: partitionOf(record.key, log.partitions('dead-letters')),
      records: [
        {
          key: record.key,
          headers: {
            ...record.headers,
            dead_topic: record.topic,
            dead_partition: String(record.partition),
            dead_offset: String(record.offset),
            dead_because: because.slice(0, 1_000),
          },
          value: record.value,
        },
      ],
    },
  ]);
};

/**
 * What a consumer does first with a batch: decodes every record and moves the undecodable ones to the dead letters, so that one bad
 * record stops nobody. Any other error of `decode` is a bug and passes through.
 */
export const decodeOrDeadLetter = async <T>(log: EventLog, records: readonly LogRecord[], decode: (record: LogRecord) => T): Promise<T[]> => {
  const decoded: T[] = [];
  for (const record of records) {
    try {
      decoded.push(decode(record));
    } catch (cause) {
      if (!(cause instanceof UndecodableRecord)) throw cause;
      await deadLetter(log, record, cause);
    }
  }
  return decoded;
};

import { decodeJson, decodeOrDeadLetter, type EventLog, type Subscription, type Topic } from '@runlog/event-log';

/** Messages of a topic from now on, of all partitions, without a group; `key` keeps only those addressed to it. */
export const listen = <Message>(log: EventLog, topic: Topic, hear: (message: Message) => void, key?: string): Promise<Subscription> =>
  log.tail({
    topic,
    start: async () => 'end',
    onBatch: async ({ records }) => {
      const mine = key === undefined ? records : records.filter((record) => record.key === key);
      for (const message of await decodeOrDeadLetter(log, mine, (record) => decodeJson<Message>(record))) hear(message);
    },
  });

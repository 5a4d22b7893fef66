import type { EventLog } from '../port.js';
import type { KafkaLogOptions } from './kafka-log.js';

/** The log in Apache Kafka. Its client is loaded here: whose log is in PostgreSQL does without it. */
export const openKafkaLog = async (options: KafkaLogOptions): Promise<EventLog> => {
  const { createKafkaLog } = await import('./kafka-log.js');
  return createKafkaLog(options);
};

import type { LogRecord } from './port.js';

/** The bytes of a record are not what its topic promises. Reading it again changes nothing: it goes to the dead letters. */
export class UndecodableRecord extends Error {
  constructor(
    readonly record: LogRecord,
    readonly because: string,
    options?: ErrorOptions,
  ) {
    super(`Expected to decode '${record.topic}/${record.partition}@${record.offset}', but ${because}`, options);
  }
}

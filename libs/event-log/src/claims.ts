import { type DecodedEvent, decodeEvent, isClaim } from './envelope.js';
import type { LogRecord } from './port.js';

/** An event that counts, and the record that it came in. */
export interface Accepted {
  readonly event: DecodedEvent;
  readonly record: LogRecord;
}

/**
 * The claim rule: an event counts only if the claim it names is the last claim before it in its partition. Everything else is void,
 * for every reader, for ever; which one it is depends on the bytes alone. Records must come in offset order, from one partition.
 */
export class AcceptedEvents {
  /** @param claim offset of the claim in force where reading begins, -1 before any. */
  constructor(public claim: number = -1) {}

  /**
   * The event, or null for a claim (which is in force from here on) or a void record: an event under another claim, or something that
   * names none and so was never an event. @throws UndecodableRecord for an event that counts and cannot be read: a bug of its writer
   */
  accept(record: LogRecord): Accepted | null {
    if (isClaim(record)) {
      this.claim = record.offset;
      return null;
    }
    return this.claim >= 0 && record.headers.ce_claim === String(this.claim) ? { event: decodeEvent(record), record } : null;
  }
}

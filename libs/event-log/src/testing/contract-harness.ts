import type { EventLog, NewRecord } from '../port.js';

/** What the contract suite needs of an adapter and its server. */
export interface LogHarness {
  /** A started log with connections of its own, as another process would have; 4 partitions of `executions`, 8 of `tasks`. */
  open(): Promise<EventLog>;
  /** Crashes the server and starts it again with its data. */
  restart(): Promise<void>;
  /**
   * Puts on events `partition`, now, an append that an owner once sent under `claim` and gave up waiting for. An adapter whose server
   * refuses it then resolves too: either way it must not count.
   */
  delayedAppend(partition: number, claim: number, records: readonly NewRecord[]): Promise<void>;
  /** Closes every log that it opened and ends the server. */
  close(): Promise<void>;
}

import type { EventLog, LogRecord } from '@runlog/event-log';
import type { Logger } from '@runlog/platform';
import type { Database } from '@runlog/read-model';
import { type NamesOf, PartitionProjection } from '../projection/partition-projection.js';
import { openPosition } from '../projection/position-store.js';
import { Quarantine } from '../projection/quarantine.js';

const TOPIC = 'execution-events';
const BATCH = 4_000;

/** One partition of the log being folded anew, by the projection that also runs live. */
export class PartitionBuild {
  private constructor(
    private readonly log: EventLog,
    private readonly projection: PartitionProjection,
    readonly partition: number,
    readonly topicId: string,
    /** The next one to fold. */
    public offset: number,
  ) {}

  static async begin(beside: Database, log: EventLog, logger: Logger, namesOf: NamesOf, partition: number): Promise<PartitionBuild> {
    const position = await openPosition(beside, log, 'executions', TOPIC, partition);
    // What cannot be decoded went to the dead letters when it was first read.
    const silent = { read: log.read.bind(log), partitions: log.partitions.bind(log), send: async () => undefined };
    const projection = new PartitionProjection(beside, silent, logger, namesOf, await Quarantine.load(beside, partition), position);
    return new PartitionBuild(log, projection, partition, position.topicId, position.offset);
  }

  /** Folds up to the log's end as it is now, and tells `onFolded` of each batch. */
  async toEnd(onFolded: (records: number) => void): Promise<void> {
    let collected: LogRecord[] = [];
    const fold = async (): Promise<void> => {
      if (collected.length === 0) return;
      this.offset = (await this.projection.project(collected)).offset;
      const { length } = collected;
      collected = [];
      onFolded(length);
    };
    for await (const records of this.log.read(TOPIC, this.partition, this.offset, await this.log.end(TOPIC, this.partition))) {
      collected.push(...records);
      if (collected.length >= BATCH) await fold();
    }
    await fold();
  }
}

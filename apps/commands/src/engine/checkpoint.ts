import { checkProgress, type EventLog } from '@runlog/event-log';
import { snapshotVersion } from '@runlog/execution';
import type { Sql } from '@runlog/read-model';
import { PartitionHalted } from './halted.js';

/** How far the stored state of a partition reaches, and where its commands go on. */
export interface Checkpoint {
  readonly nextEvent: number;
  /** Claim in force at `nextEvent`, -1 before any. */
  readonly claim: number;
  /** Id of the record before `nextEvent`. */
  readonly previous: string;
  readonly nextCommand: number;
  /** The command at `nextCommand` has been decided in part. */
  readonly continuing: boolean;
  /** No execution id created so far is above it. */
  readonly newest: string;
}

interface Row {
  readonly snapshot_version: number;
  readonly events_topic: string;
  readonly commands_topic: string;
  readonly next_event: number;
  readonly claim: number;
  readonly previous: string;
  readonly next_command: number;
  readonly continuing: boolean;
  readonly newest: string;
}

/** The stored checkpoint of a partition, checked against the log; the beginning of the log when there is none. @throws ProgressMismatch, PartitionHalted */
export const loadCheckpoint = async (database: Sql, log: EventLog, partition: number): Promise<Checkpoint> => {
  const [row] = await database.query<Row>('select * from engine_partitions where partition = $1', [partition]);
  if (!row || row.snapshot_version !== snapshotVersion)
    return { nextEvent: await log.begin('execution-events', partition), claim: -1, previous: '', nextCommand: 0, continuing: false, newest: '' };
  const { next_event: nextEvent, claim, previous, next_command: nextCommand, continuing, newest } = row;
  await checkProgress(log, { topicId: row.events_topic, partition, offset: nextEvent, claim, previous });
  const [topicId, end] = await Promise.all([log.topicId('execution-commands'), log.end('execution-commands', partition)]);
  if (topicId !== row.commands_topic || nextCommand > end)
    throw new PartitionHalted(
      partition,
      `its commands topic is '${topicId}', ending at ${end}, and the stored progress is offset ${nextCommand} of '${row.commands_topic}'. The log was wiped or restored: restore the matching pair of log and database`,
    );
  return { nextEvent, claim, previous, nextCommand, continuing, newest };
};

/** Writes it unless a later claim has written: then the writer is a zombie and the answer is false. Locks the partition's row. */
export const saveCheckpoint = async (
  sql: Sql,
  partition: number,
  writtenUnder: number,
  topics: { readonly events: string; readonly commands: string },
  point: Checkpoint,
): Promise<boolean> => {
  const rows = await sql.query(
    `insert into engine_partitions as held
       (partition, written_under, snapshot_version, events_topic, next_event, claim, previous, commands_topic, next_command, continuing, newest)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     on conflict (partition) do update set
       written_under = excluded.written_under, snapshot_version = excluded.snapshot_version,
       events_topic = excluded.events_topic, next_event = excluded.next_event, claim = excluded.claim, previous = excluded.previous,
       commands_topic = excluded.commands_topic, next_command = excluded.next_command, continuing = excluded.continuing, newest = excluded.newest
     where held.written_under <= excluded.written_under
     returning 1`,
    [partition, writtenUnder, snapshotVersion, topics.events, point.nextEvent, point.claim, point.previous, topics.commands, point.nextCommand, point.continuing, point.newest],
    'engine_checkpoint',
  );
  return rows.length > 0;
};

/** Stored states of a shape that this version does not read: the log is read again from its beginning. */
export const forgetOldStates = async (database: Sql, partition: number): Promise<void> => {
  const [row] = await database.query<Row>('select snapshot_version from engine_partitions where partition = $1', [partition]);
  if (!row || row.snapshot_version === snapshotVersion) return;
  await database.query(
    `with forgotten as (delete from engine_state where partition = $1 returning execution_id)
     delete from engine_outputs using forgotten where engine_outputs.execution_id = forgotten.execution_id`,
    [partition],
  );
};

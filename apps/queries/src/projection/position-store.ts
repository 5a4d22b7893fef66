import type { EventLog, Position, Topic } from '@runlog/event-log';
import { checkProgress, ProgressMismatch } from '@runlog/event-log';
import type { Sql } from '@runlog/read-model';

/** The name of a projection: its rows in `projection_progress` and, with a prefix, its group. */
export type Projection = 'executions' | 'frames' | 'traces';

/** A position, and which build of the rows it belongs to: a rebuild swaps them for others. */
export interface StoredPosition extends Position {
  readonly generation: number;
}

interface ProgressRow extends StoredPosition {
  readonly updated_at: number;
}

const columns = 'topic_id as "topicId", partition, "offset", claim, previous, generation, updated_at';

export const storedPositions = (sql: Sql, projection: Projection): Promise<ProgressRow[]> =>
  sql.query<ProgressRow>(`select ${columns} from projection_progress where projection = $1 order by partition`, [projection], `positions-${projection}`);

export const storedPosition = async (sql: Sql, projection: Projection, partition: number): Promise<ProgressRow | undefined> =>
  (await sql.query<ProgressRow>(`select ${columns} from projection_progress where projection = $1 and partition = $2`, [projection, partition]))[0];

/** Where reading goes on: the stored position, checked against the log, or the log's beginning (then stored). @throws ProgressMismatch */
export const openPosition = async (sql: Sql, log: EventLog, projection: Projection, topic: Topic, partition: number): Promise<StoredPosition> => {
  const stored = await storedPosition(sql, projection, partition);
  if (stored) {
    await checkProgress(log, stored, topic);
    return stored;
  }
  const first: Position = { topicId: await log.topicId(topic), partition, offset: await log.begin(topic, partition), claim: -1, previous: '' };
  await sql.query(
    'insert into projection_progress (projection, topic_id, partition, "offset", claim, previous, updated_at) values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing',
    [projection, first.topicId, partition, first.offset, first.claim, first.previous, Date.now()],
  );
  return (await storedPosition(sql, projection, partition)) ?? { ...first, generation: 0 };
};

/** As `openPosition`; where nothing is stored (or `anew`), reading goes on where another projection stands. @throws ProgressMismatch */
export const openPositionLike = async (
  sql: Sql,
  log: EventLog,
  projection: Projection,
  other: Projection,
  topic: Topic,
  partition: number,
  anew = false,
): Promise<StoredPosition> => {
  if (anew) await sql.query('delete from projection_progress where projection = $1 and partition = $2', [projection, partition]);
  await sql.query(
    `insert into projection_progress (projection, topic_id, partition, "offset", claim, previous, updated_at)
     select $1, topic_id, partition, "offset", claim, previous, $4 from projection_progress where projection = $2 and partition = $3 on conflict do nothing`,
    [projection, other, partition, Date.now()],
  );
  return openPosition(sql, log, projection, topic, partition);
};

/** As `openPosition`, for a topic that forgets: what expired before it was read is skipped, and `onExpired` says so. */
export const openForgetfulPosition = async (
  sql: Sql,
  log: EventLog,
  projection: Projection,
  topic: Topic,
  partition: number,
  onExpired: (from: number, to: number) => void,
): Promise<Position> => {
  const stored = await storedPosition(sql, projection, partition);
  const begin = await log.begin(topic, partition);
  if (!stored || stored.offset >= begin || stored.topicId !== (await log.topicId(topic))) return openPosition(sql, log, projection, topic, partition);
  onExpired(stored.offset, begin);
  const skipped: Position = { ...stored, offset: begin, previous: '' };
  if (!(await advance(sql, projection, stored, skipped)))
    throw new ProgressMismatch(`Expected to skip what expired in '${topic}/${partition}', but somebody else moved its progress`);
  return skipped;
};

/** Compare-and-set: false when the stored position is not `from` any more. */
export const advance = async (sql: Sql, projection: Projection, from: Position, to: Position): Promise<boolean> => {
  const rows = await sql.query(
    `update projection_progress set "offset" = $5, claim = $6, previous = $7, updated_at = $8 where projection = $1 and partition = $2 and topic_id = $3 and "offset" = $4 returning 1`,
    [projection, from.partition, from.topicId, from.offset, to.offset, to.claim, to.previous, Date.now()],
    'advance',
  );
  return rows.length > 0;
};

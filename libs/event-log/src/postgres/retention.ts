import type pg from 'pg';
import type { KnownTopic } from './schema.js';

const chunk = 5_000;

/** Deletes what has expired, in small steps; events never do. One process at a time. Resolves with the number of records deleted. */
export const deleteExpired = async (pool: pg.Pool, topics: Iterable<KnownTopic>, now: number): Promise<number> => {
  let deleted = 0;
  for (const { topicNo, partitions, retentionMs } of topics) {
    if (retentionMs < 0) continue;
    for (let partition = 0; partition < partitions; partition++)
      for (let step = chunk; step === chunk; deleted += step) step = await deleteSome(pool, topicNo, partition, now - retentionMs);
  }
  return deleted;
};

/** Only the head of a partition is ever cut off: what lies before the first record that is young enough. */
const deleteSome = async (pool: pg.Pool, topicNo: number, partition: number, before: number): Promise<number> => {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const { rows: locked } = await client.query("select pg_try_advisory_xact_lock(hashtext('runlog_log retention')) as got");
    if (!locked[0].got) {
      await client.query('rollback');
      return 0;
    }
    const { rows } = await client.query<{ first: string; count: number }>(
      `select max("offset") + 1 as first, count(*)::int as count from (
         select "offset", bool_and(at < $3) over (order by "offset") as expired from (
           select "offset", at from runlog_log.records
           where topic_no = $1 and partition = $2
             and "offset" >= (select first from runlog_log.partitions where topic_no = $1 and partition = $2)
           order by "offset" limit $4
         ) as head
       ) as marked where expired`,
      [topicNo, partition, before, chunk],
    );
    const { first, count = 0 } = rows[0] ?? {};
    if (count > 0) {
      await client.query('delete from runlog_log.records where topic_no = $1 and partition = $2 and "offset" < $3', [topicNo, partition, first]);
      await client.query('update runlog_log.partitions set first = $3 where topic_no = $1 and partition = $2', [topicNo, partition, first]);
    }
    await client.query('commit');
    return count;
  } catch (error) {
    // The failure itself says more; a broken connection rolls back by itself.
    await client.query('rollback').catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
};

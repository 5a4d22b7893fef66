import type { ClientBase } from 'pg';
import { declareTopics, type PartitionCounts, standingCounts, type Topic, type TopicDeclaration } from '../topics.js';

/** Kept as the comment on the schema; another text means that the objects below are (re)created. */
const version = 'runlog event log, version 3';

/** No plan asks about these columns, and sampling them was most of what autovacuum did. */
const unsampled = (table: string): string =>
  `alter table runlog_log.${table} ${['at', 'key', 'headers', 'value'].map((column) => `alter column ${column} set statistics 0`).join(', ')}`;

const objects = `
create schema if not exists runlog_log;

create table if not exists runlog_log.topics (
  topic_no smallint primary key,
  topic text not null unique,
  topic_id uuid not null default gen_random_uuid(),
  partitions smallint not null
);

-- One row is locked by every append to its partition: it stays on its page (no index on what changes, room to grow).
create table if not exists runlog_log.partitions (
  topic_no smallint not null references runlog_log.topics,
  partition smallint not null,
  next bigint not null default 0,
  claim bigint not null default -1,
  first bigint not null default 0,
  primary key (topic_no, partition)
) with (fillfactor = 20);

create table if not exists runlog_log.records (
  "offset" bigint not null,
  at bigint not null,
  topic_no smallint not null,
  partition smallint not null,
  key text not null,
  headers text not null,
  value bytea not null,
  primary key (topic_no, partition, "offset")
) partition by list (topic_no);

${unsampled('records')};

create table if not exists runlog_log.progress (
  consumer text not null,
  topic_no smallint not null references runlog_log.topics,
  partition smallint not null,
  next bigint not null,
  primary key (consumer, topic_no, partition)
) with (fillfactor = 50);

-- Writes the records of many callers at once. Partitions are locked in the order given, which is the same for every writer, until the
-- commit: offsets are gapless and become visible in order. If a fence does not hold, nothing is written and \`lost\` says which.
drop function if exists runlog_log.write(smallint[], smallint[], int[], boolean[], int[], bigint[], int[], int[], int[], int[], int[], int[], bytea);
create or replace function runlog_log.write(
  slot_topic int[], slot_partition int[], slot_count int[], slot_claims boolean[], slot_fence bigint[],
  record_slot int[], record_rank int[], record_key text[], record_headers text[], record_value bytea[],
  out written_at bigint, out bases bigint[], out lost int[]
) language plpgsql as $$
begin
  select array_agg(l.next order by s.no), array_agg(s.no order by s.no) filter (where s.fence >= 0 and s.fence <> l.claim) into bases, lost
  from unnest(slot_topic, slot_partition, slot_fence) with ordinality as s(topic_no, partition, fence, no)
  cross join lateral (
    select p.next, p.claim from runlog_log.partitions p where p.topic_no = s.topic_no and p.partition = s.partition for update
  ) l;
  if lost is not null then
    return;
  end if;
  written_at := floor(extract(epoch from clock_timestamp()) * 1000);
  update runlog_log.partitions p
  set next = p.next + s.records, claim = case when s.claims then p.next else p.claim end
  from unnest(slot_topic, slot_partition, slot_count, slot_claims) as s(topic_no, partition, records, claims)
  where p.topic_no = s.topic_no and p.partition = s.partition;
  insert into runlog_log.records ("offset", at, topic_no, partition, key, headers, value)
  select bases[r.slot] + r.rank, written_at, slot_topic[r.slot], slot_partition[r.slot], r.key, r.headers, r.value
  from (
    select unnest(record_slot) as slot, unnest(record_rank) as rank, unnest(record_key) as key, unnest(record_headers) as headers, unnest(record_value) as value
  ) r;
end
$$;
`;

/** What the adapter knows of a topic in this database. */
export interface KnownTopic extends TopicDeclaration {
  readonly topicNo: number;
}

/** Creates what is missing, under a lock. The number of partitions is fixed for ever. @throws PartitionCountMismatch */
export const declareSchema = async (client: ClientBase, asked: PartitionCounts, adopts: boolean): Promise<Map<Topic, KnownTopic>> => {
  await client.query('begin');
  try {
    await client.query("select pg_advisory_xact_lock(hashtext('runlog_log schema'))");
    const { rows } = await client.query("select obj_description(oid, 'pg_namespace') as version from pg_namespace where nspname = 'runlog_log'");
    if (rows[0]?.version !== version) {
      await client.query(objects);
      await client.query(`comment on schema runlog_log is '${version}'`);
    }
    const { rows: existing } = await client.query<{ topic: string; partitions: number }>('select topic, partitions from runlog_log.topics');
    const counts = standingCounts(asked, new Map(existing.map(({ topic, partitions }) => [topic, partitions])), adopts);
    const topics = new Map<Topic, KnownTopic>();
    for (const declaration of declareTopics(counts)) topics.set(declaration.topic, await declareTopic(client, declaration));
    await client.query('commit');
    return topics;
  } catch (error) {
    // The failure itself says more; a broken connection rolls back by itself.
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
};

const declareTopic = async (client: ClientBase, declaration: TopicDeclaration): Promise<KnownTopic> => {
  const { topic, partitions } = declaration;
  const { rows: known } = await client.query<{ topic_no: number }>('select topic_no from runlog_log.topics where topic = $1', [topic]);
  if (known[0]) return { ...declaration, topicNo: known[0].topic_no };
  const { rows } = await client.query<{ topic_no: number }>(
    'insert into runlog_log.topics (topic_no, topic, partitions) select coalesce(max(topic_no), 0) + 1, $1, $2 from runlog_log.topics returning topic_no',
    [topic, partitions],
  );
  const topicNo = rows[0]?.topic_no as number;
  await client.query(
    `create table runlog_log.records_${topicNo} partition of runlog_log.records for values in (${topicNo}) with (autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_scale_factor = 0.05)`,
  );
  await client.query(unsampled(`records_${topicNo}`));
  await client.query('insert into runlog_log.partitions (topic_no, partition) select $1, generate_series(0, $2::int - 1)', [topicNo, partitions]);
  return { ...declaration, topicNo };
};

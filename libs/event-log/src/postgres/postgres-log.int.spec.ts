import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestDatabase, type TestDatabase, until } from '@runlog/testing';
import pg from 'pg';
import { AppendLost, type EventLog, type OwnedPartition } from '../port.js';
import { acceptedFrom, becomeOwner, eventRecord, readAll, records, tags, unique } from '../testing/contract-tools.js';
import { createPostgresLog, type PostgresLogOptions } from './postgres-log.js';

describe('the log in PostgreSQL', () => {
  let database: TestDatabase;
  let connectionString: string;
  let admin: pg.Client;
  const logs: EventLog[] = [];
  const open = async (options: PostgresLogOptions = {}): Promise<EventLog> => {
    const log = createPostgresLog({ connectionString, ...options });
    logs.push(log);
    await log.start();
    return log;
  };

  beforeAll(async () => {
    database = await startTestDatabase();
    connectionString = await database.fresh();
    admin = new pg.Client({ connectionString });
    await admin.connect();
  }, 60_000);

  afterAll(async () => {
    await Promise.all(logs.map((log) => log.stop()));
    await admin?.end();
    await database?.stop();
  });

  it('keeps one history when the server carries an append out after its owner gave up', async () => {
    const log = await open({ writeTimeoutMs: 300 });
    const owner = await becomeOwner(log, unique('slow-server'));
    await until('ownership', () => owner.owned.has(1));
    const owned = owner.owned.get(1) as OwnedPartition;
    const execution = unique('execution');
    const claim = await owned.claim();
    await owned.append([eventRecord(claim, { execution, version: 1, tag: 'one' })]);
    await admin.query(
      "begin; select 1 from runlog_log.partitions p join runlog_log.topics t using (topic_no) where t.topic = 'execution-events' and p.partition = 1 for update of p",
    );
    await expect(owned.append([eventRecord(claim, { execution, version: 2, tag: 'late' })])).rejects.toBeInstanceOf(AppendLost);
    const claiming = owned.claim();
    await admin.query('rollback');
    const next = await claiming;
    const before = tags(await acceptedFrom(log, 1, claim)).filter((tag) => tag === 'late');
    await owned.append([eventRecord(next, { execution, version: 2 + before.length, tag: 'two' })]);
    const accepted = await acceptedFrom(log, 1, claim);
    expect(tags(accepted)).toEqual(['one', ...before, 'two']);
    expect(accepted.map((event) => event.version)).toEqual(accepted.map((_, index) => index + 1));
    await owner.subscription.stop();
  }, 60_000);

  it('writes follow-ups only together with the events that they rest on', async () => {
    const log = await open();
    const owner = await becomeOwner(log, unique('follow-ups'));
    await until('ownership', () => owner.owned.has(2));
    const owned = owner.owned.get(2) as OwnedPartition;
    const claim = await owned.claim();
    await admin.query(
      "update runlog_log.partitions set claim = claim + 1 where partition = 2 and topic_no = (select topic_no from runlog_log.topics where topic = 'execution-events')",
    );
    const tasks = await log.end('node-tasks', 0);
    const sent = log.send([{ topic: 'node-tasks', partition: 0, records: records('other', 0, 1) }]);
    await expect(
      owned.append([eventRecord(claim, { execution: 'e', version: 1, tag: 'lost' })], [{ topic: 'node-tasks', partition: 0, records: records('lost', 0, 3) }]),
    ).rejects.toBeInstanceOf(AppendLost);
    await sent;
    expect((await readAll(log, 'node-tasks', 0, tasks)).map((record) => record.key)).toEqual(['other']);
    await owner.subscription.stop();
  }, 60_000);

  it('writes what nobody waits for with what somebody waits for, in one commit, or soon by itself', async () => {
    const log = await open();
    const frames = [{ topic: 'execution-frames', partition: 0, records: records('nobody', 0, 1) }] as const;
    const from = await log.end('execution-frames', 0);
    await log.send(frames, 'soon');
    await Promise.all([log.send(frames, 'soon'), log.send([{ topic: 'node-tasks', partition: 3, records: records('somebody', 0, 1) }])]);
    expect(await readAll(log, 'execution-frames', 0, from)).toHaveLength(2);
    const { rows } = await admin.query("select key, xmin::text as written from runlog_log.records where key in ('nobody', 'somebody') order by topic_no, \"offset\"");
    const commits = (key: string) => rows.filter((row) => row.key === key).map(({ written }) => written);
    expect(commits('nobody')[1]).toEqual(commits('somebody')[0]);
    expect(new Set(commits('nobody')).size).toBe(2);
  });

  it('deletes what has expired, keeps events, and says where each partition begins', async () => {
    const log = await open({ retentionMs: { 'execution-frames': 0 }, retentionEveryMs: 50 });
    const from = await log.end('execution-frames', 3);
    await log.send([{ topic: 'execution-frames', partition: 3, records: records('k', 0, 500) }]);
    await until('all frames deleted', async () => (await log.begin('execution-frames', 3)) === from + 500);
    expect(await readAll(await open(), 'execution-frames', 3, from)).toEqual([]);
    expect(await log.end('execution-frames', 3)).toBe(from + 500);
    expect(await log.begin('execution-events', 1)).toBe(0);
    expect((await readAll(log, 'execution-events', 1, 0)).length).toBeGreaterThan(0);
  }, 60_000);

  it('takes every partition away from a member whose session ends, and grants them again', async () => {
    const log = await open();
    const owner = await becomeOwner(log, unique('cut-off'));
    await until('ownership', () => owner.owned.size === 4);
    const before = [...owner.owned.values()];
    await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'runlog log member' and datname = current_database()");
    await until('all revoked', () => before.every((owned) => owned.signal.aborted));
    await until('all granted anew', () => owner.grants.length >= 8 && owner.owned.size === 4);
    await expect(before[0]?.claim()).rejects.toThrow('revoked');
    await owner.subscription.stop();
  }, 60_000);

  it('deals the partitions of a group to its members in one process too', async () => {
    const log = await open();
    const group = unique('two-here');
    const counts = [new Set<number>(), new Set<number>()] as const;
    const join = (mine: Set<number>) =>
      log.subscribe({
        topic: 'node-tasks',
        group,
        start: async (partition) => (mine.add(partition), 'end'),
        onBatch: async () => undefined,
        onRevoked: (partition) => void mine.delete(partition),
      });
    const first = await join(counts[0]);
    expect(counts[0].size).toBe(8);
    const second = await join(counts[1]);
    await until('both have their half', () => counts[0].size === 4 && counts[1].size === 4);
    await first.stop();
    await until('the second has all', () => counts[1].size === 8);
    await second.stop();
  }, 60_000);

  it('refuses to start with another number of partitions', async () => {
    await open();
    const other = createPostgresLog({ connectionString, partitions: { executions: 6, tasks: 8, instances: 4, one: 1 } });
    await expect(other.start()).rejects.toThrow("Expected topic 'execution-commands' to have 6 partitions, but it has 4");
    await other.stop();
  }, 60_000);

  it('goes on with the partitions that there are, where nobody chose their number', async () => {
    await open();
    const other = createPostgresLog({ connectionString, partitions: { executions: 1, tasks: 2, instances: 1, one: 1 }, adoptsPartitions: true });
    await other.start();
    expect((['execution-commands', 'node-tasks', 'command-replies', 'dead-letters'] as const).map((topic) => other.partitions(topic))).toEqual([4, 8, 4, 1]);
    await other.stop();
  }, 60_000);
});

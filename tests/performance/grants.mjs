// Part of `npm run bench:queues`: what one slot costs the database, granted and freed by the scheduler's own transactions, in queues of 100 and of
// `many` in turns, so that whatever else the machine does hits both alike.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { startEmbeddedPostgres } = await import('../../libs/platform/dist/index.js');
const { createDatabase } = await import('../../libs/read-model/dist/index.js');
const { grantSlots } = await import('../../apps/scheduler/dist/queues/granting.js');
const { applyStandings } = await import('../../apps/scheduler/dist/queues/standings-sql.js');

const SHORT = 100;
const ROUNDS = 5;
const GRANTS = 95;
const at = (share, values) => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))];
const round = (value) => Math.round(100 * value) / 100;

/** A queue of one slot in which so many wait, under so many keys (0: none). */
const fill = async (database, queue, many, keys) => {
  await database.query("insert into queues values ('w', $1, 1, 1, $2, null, false, 0, 0, 'bench')", [queue, keys > 0 ? 'round_robin' : 'queue']);
  await database.query("insert into scheduler_queues (workspace_id, name, held, waiting, key_slots) values ('w', $1, 0, $2, 1)", [queue, many]);
  await database.query(
    `insert into scheduler_waiting (execution_id, partition, workspace_id, queue, key, ticket, place, queued_at)
     select $1 || '-' || n, 0, 'w', $1, case when $3::int = 0 then '' else 'k' || (n % $3::int) end, 2, 1000000000000000 + n, n from generate_series(1, $2::int) n`,
    [queue, many, keys],
  );
  await database.query("insert into scheduler_queue_keys select 'w', queue, key, 0, count(*), min(place), 0, true from scheduler_waiting where queue = $1 group by queue, key", [
    queue,
  ]);
};

/** Whoever holds slots of the queue has ended. */
const free = async (database, queue) => {
  const held = await database.query('select execution_id, key from scheduler_leases where queue = $1', [queue]);
  const standings = held.map(({ execution_id, key }) => ({
    ...{ executionId: execution_id, workspaceId: 'w', queue, key, priority: 0, ttlSeconds: null, queuedAt: 1 },
    ...{ state: 'gone', ticket: 9, again: true, since: 1 },
  }));
  await database.transaction((sql) => applyStandings(sql, 0, standings, Date.now()));
};

/** Milliseconds for a grant and its end, by how many wait beside it. */
export async function measureGrants(many) {
  const home = mkdtempSync(join(tmpdir(), 'runlog-bench-grants-'));
  const postgres = await startEmbeddedPostgres({ dataFolder: join(home, 'postgres') });
  const database = await createDatabase({ url: postgres.connectionString });
  try {
    const results = [];
    for (const [name, keys] of [
      ['no key', 0],
      ['50 keys in turns', 50],
      ['a key each in turns', many + 1],
    ]) {
      const took = { short: [], long: [] };
      await fill(database, `long-${keys}`, many, keys);
      await database.query('analyze');
      for (let n = 0; n < ROUNDS; n++) {
        await fill(database, `short-${keys}-${n}`, SHORT, keys);
        for (let i = 0; i < GRANTS; i++)
          for (const [kind, queue] of [
            ['short', `short-${keys}-${n}`],
            ['long', `long-${keys}`],
          ]) {
            const begun = performance.now();
            const { admitted } = await grantSlots(database, { workspaceId: 'w', queue }, Date.now());
            if (admitted.length !== 1) throw new Error(`Expected one slot of queue '${queue}' to be granted, but got ${admitted.length}`);
            await free(database, queue);
            took[kind].push(performance.now() - begun);
          }
      }
      const of = (share) => ({ short: round(at(share, took.short)), long: round(at(share, took.long)) });
      const [p50, p95] = [of(0.5), of(0.95)];
      results.push({ keys: name, beside: { short: SHORT, long: many }, p50_ms: p50, p95_ms: p95, ratio_p95: round(p95.long / p95.short) });
    }
    return results;
  } finally {
    await database.close();
    await postgres.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

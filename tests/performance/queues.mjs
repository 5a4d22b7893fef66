// `npm run bench:queues [-- --quick]`: W5, executions through a limit of 50, and W6, a long queue; each at 1x and 10x of the work. Then admission
// beside a queue of 100 and one of all that wait, in turns within one run: what it takes must not grow with who waits.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandLine } from '../../deploy/local/command-line.mjs';
import { watch } from './footprint.mjs';
import { measureGrants } from './grants.mjs';
import { startStandalone } from './starting.mjs';
import { until } from './until.mjs';

const { quick } = commandLine({ usage: 'npm run bench:queues [-- --quick]: executions through a limit, a long queue, admission beside it', flags: ['quick'] });
const [through, queued] = quick
  ? [
      [200, 2_000],
      [1_000, 10_000],
    ]
  : [
      [1_000, 10_000],
      [10_000, 100_000],
    ];
const LIMIT = 50;
const SHORT = 100;
const ROUNDS = quick ? 5 : 10;
const AT_ONCE = 1_000;
/** The longest that anything here takes, milliseconds. */
const WITHIN_MS = 1_800_000;
const say = (line) => process.stderr.write(`${line}\n`);
const at = (share, values) => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))];

const home = mkdtempSync(join(tmpdir(), 'runlog-bench-queues-'));
const system = await startStandalone(home, { env: { RUNLOG_SAMPLES: '0' } });
const set = (queue, settings) =>
  fetch(`${system.url}/api/v1/queues/${queue}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${system.key}`, 'content-type': 'application/json' },
    body: JSON.stringify(settings),
  }).then(async (response) => {
    if (!response.ok) throw new Error(await response.text());
    return response.json();
  });
const counts = async (queue) => (await system.get(`/api/v1/queues/${queue}`)).counts;

/** Creates so many executions in the queue, in batches, two at a time. */
const fill = async (queue, many) => {
  const sizes = Array.from({ length: Math.ceil(many / AT_ONCE) }, (_, i) => Math.min(AT_ONCE, many - i * AT_ONCE));
  const work = async () => {
    for (let size = sizes.pop(); size !== undefined; size = sizes.pop()) {
      const executions = Array.from({ length: size }, () => ({ workflow_id: 'one_step', queue_name: queue }));
      const { data } = await system.post('/api/v1/executions/batch', { executions });
      const bad = data.find(({ status }) => status >= 300);
      if (bad) throw new Error(JSON.stringify(bad));
    }
  };
  await Promise.all([work(), work()]);
};

/** The same, and all of them wait: the queue is paused. */
const fillPaused = async (queue, many) => {
  await fill(queue, many);
  await until(`${many} executions in queue '${queue}'`, async () => (await counts(queue)).waiting >= many, WITHIN_MS);
};

/** Lets the queue go, and samples how many hold slots meanwhile. */
const drain = async (queue, limit, left = 0) => {
  let most = 0;
  await set(queue, { paused: false, limit });
  await until(
    `queue '${queue}' down to ${left}`,
    async () => {
      const { held, waiting } = await counts(queue);
      most = Math.max(most, held);
      return held + waiting <= left;
    },
    WITHIN_MS,
  );
  return most;
};

/** Runs `work` and tells what it took. */
const measured = async (work) => {
  const watching = watch([system.pid]);
  const begun = performance.now();
  const extra = await work();
  const seconds = (performance.now() - begun) / 1000;
  return { seconds: Math.round(seconds * 10) / 10, ...watching.stop(), ...extra };
};

/** Milliseconds from one admission to the next in a queue of one slot, of those started after `since`. */
const gaps = async (queue, since, many) => {
  const starts = [];
  for (let after = ''; starts.length <= many; ) {
    const page = await system.get(`/api/v1/executions?queue_name=${queue}&sort=-started_at&limit=100${after}`);
    for (const { started_at } of page.data) if (started_at !== null && Date.parse(started_at) >= since) starts.push(Date.parse(started_at));
    if (!page.has_more || page.data.some(({ started_at }) => started_at === null || Date.parse(started_at) < since)) break;
    after = `&after=${encodeURIComponent(page.next_cursor)}`;
  }
  starts.sort((a, b) => a - b);
  return starts.slice(1).map((start, i) => start - starts[i]);
};

const results = { through: [], queued: [] };
try {
  await system.post('/api/v1/workflows', {
    key: 'one_step',
    name: 'One step',
    nodes: [{ id: 's', type: 'transform', name: 's', config: { expression: '1' } }],
    edges: [{ from: 'start_of_workflow', to: 's' }],
  });
  for (const many of through) {
    const queue = `through_${many}`;
    await set(queue, { limit: LIMIT });
    const run = await measured(async () => {
      let most = 0;
      const filling = fill(queue, many);
      const ran = until(
        'all to have run',
        async () => {
          most = Math.max(most, (await counts(queue)).held);
          return (await system.get(`/api/v1/executions?queue_name=${queue}&status=completed&limit=1&page=1`)).meta.total >= many;
        },
        WITHIN_MS,
      );
      await Promise.all([filling, ran]);
      return { most_held: most };
    });
    results.through.push({ executions: many, limit: LIMIT, ...run, per_second: Math.round(many / run.seconds) });
    say(JSON.stringify(results.through.at(-1)));
  }
  for (const many of queued) {
    const queue = `queued_${many}`;
    await set(queue, { limit: 1, paused: true });
    results.queued.push({ queued: many, ...(await measured(() => fillPaused(queue, many))) });
    say(JSON.stringify(results.queued.at(-1)));
  }
  const long = `queued_${queued.at(-1)}`;
  const beside = { short: [], long: [] };
  for (let round = 0; round < ROUNDS; round++) {
    const short = `short_${round}`;
    await set(short, { limit: 1, paused: true });
    await fillPaused(short, SHORT);
    for (const [kind, queue, left] of [
      ['short', short, 0],
      ['long', long, (await counts(long)).waiting - SHORT],
    ]) {
      const since = Date.now();
      await drain(queue, 1, left);
      await set(queue, { paused: true });
      await until(`queue '${queue}' to rest`, async () => (await counts(queue)).held === 0, WITHIN_MS);
      // The first waits for the pause to end, which is looked for twice a second.
      beside[kind].push(...(await gaps(queue, since, SHORT)));
    }
  }
  const p95 = { short: at(0.95, beside.short), long: at(0.95, beside.long) };
  results.admission = {
    beside: { short: SHORT, long: queued.at(-1) },
    samples: { short: beside.short.length, long: beside.long.length },
    p50_ms: { short: at(0.5, beside.short), long: at(0.5, beside.long) },
    p95_ms: p95,
    ratio_p95: Math.round((100 * p95.long) / p95.short) / 100,
  };
  say(JSON.stringify(results.admission));
  results.grants = await measureGrants(quick ? 10_000 : 100_000);
  for (const one of results.grants) say(JSON.stringify(one));
  const folder = fileURLToPath(new URL('./results/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'queues.json'), `${JSON.stringify(results, null, 2)}\n`);
  const slower = [results.admission, ...results.grants].filter(({ ratio_p95 }) => ratio_p95 > 1.5);
  for (const one of slower) say(`Expected admission beside many that wait to take at most 1.5 times what it takes beside ${SHORT}, but: ${JSON.stringify(one)}`);
  if (slower.length > 0) process.exitCode = 1;
} finally {
  await system.stop();
  rmSync(home, { recursive: true, force: true });
}

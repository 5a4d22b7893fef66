// Many agents at once that wait for slow models: what each holds, and whether anything else is kept from its turn.

import { until } from '../until.mjs';
import { costOf } from './streams.mjs';
import { inTurns, now, rounded } from './talk.mjs';

const metric = async (port, name) => {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? ([0-9.e+-]+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
};
const DELAY = 'runlog_event_loop_delay_p99_seconds';

/** `members`: processes by role, `{ pid, healthPort }`. */
export const measureCrowd = async ({ runlog, model, members, many }) => {
  const name = 'slow';
  await model.script(name, { record: 'counts', turns: [{ content: 'At last.', gates: [{ name: 'slowness', after: -1 }] }] });
  await runlog.publish(model, name);
  const roles = Object.entries(members);
  const memory = () => Object.fromEntries(roles.map(([role, { pid }]) => [role, costOf(pid)]));
  const delays = async () => Object.fromEntries(await Promise.all(roles.map(async ([role, { healthPort }]) => [role, rounded((await metric(healthPort, DELAY)) * 1000)])));
  const before = memory();
  const begun = now();
  await inTurns(
    Array.from({ length: many }, (_, nth) => nth),
    20,
    () => runlog.begin(name),
  );
  await until('all models to be asked', async () => ((await model.gates()).slowness?.waiting ?? 0) >= many);
  const asked = now();
  await delays();
  const atRest = memory();
  await new Promise((done) => setTimeout(done, 10_000));
  const waiting = memory();
  const loop = await delays();
  await model.open('slowness');
  const opened = now();
  await until(
    'all to end',
    async () => (await runlog.get(`/api/v1/executions?status=completed&limit=1&page=1&agent_id=${(await runlog.get('/api/v1/agents/slow')).id}`)).meta.total >= many,
  );
  return {
    executions: many,
    asked_after_s: rounded((asked - begun) / 1000),
    kb_per_execution: Object.fromEntries(roles.map(([role]) => [role, rounded((waiting[role].bytes - before[role].bytes) / 1024 / many)])),
    cpu_percent_while_waiting: Object.fromEntries(roles.map(([role]) => [role, rounded((waiting[role].cpu - atRest[role].cpu) * 10)])),
    event_loop_delay_p99_ms: loop,
    ended_after_s: rounded((now() - opened) / 1000),
  };
};

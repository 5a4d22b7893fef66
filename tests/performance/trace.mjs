// A pass apart from the measured ones: where a run's time goes (hops.mjs), and with `profile` what the processes do meanwhile (profiler.mjs).
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startCluster } from '../../deploy/local/cluster.mjs';
import { hopsOf, hopTable, marksIn } from './hops.mjs';
import { startClient } from './load.mjs';
import { startStandalone } from './starting.mjs';
import { workflows } from './workloads.mjs';

const start = async (mode, home, env) => {
  if (mode === 'standalone') {
    const { url, key, pid, stop } = await startStandalone(home, { env });
    return { url, key, pids: [pid], stop };
  }
  const cluster = await startCluster({ home, env: { RUNLOG_RATE_LIMIT: '0', ...env } });
  const shape = `cluster: ${cluster.members.map(({ name }) => name).join(', ')}; partitions: ${cluster.partitions}\n`;
  return { url: cluster.gateways[0], key: cluster.adminKey, pids: cluster.members.map(({ pid }) => pid), shape, stop: cluster.stop };
};

const signal = (pids) => pids.forEach((pid) => process.kill(pid, 'SIGUSR2'));

async function profiled(pids, folder, work) {
  signal(pids);
  await sleep(200);
  await work();
  signal(pids);
  const written = () => readdirSync(folder, { withFileTypes: true }).filter((one) => one.name.endsWith('.json'));
  for (const deadline = Date.now() + 30_000; ; await sleep(50)) {
    const files = written();
    if (files.length >= pids.length || Date.now() > deadline) {
      await sleep(200);
      return files.map(({ name }) => {
        const text = readFileSync(join(folder, name), 'utf8');
        rmSync(join(folder, name));
        return JSON.parse(text);
      });
    }
  }
}

const list = (pairs, whole, count) =>
  pairs
    .slice(0, count)
    .map(([name, ms]) => `${name.replaceAll('|', '/')} ${Math.round((100 * ms) / whole)} %`)
    .join(', ');

const profileTable = (title, profiles, runs) =>
  [
    `**${title}**: CPU of the JavaScript processes, ms a run, and where it goes (self time)`,
    '',
    '| process | ms a run | by package | by function |',
    '|---|---|---|---|',
    ...profiles
      .toSorted((a, b) => b.busyMs - a.busyMs)
      .map(({ service, busyMs, places, functions }) => `| ${service} | ${(busyMs / runs).toFixed(1)} | ${list(places, busyMs, 6)} | ${list(functions, busyMs, 6)} |`),
    '',
  ].join('\n');

/** Tables in Markdown for W1 and W2 of both kinds of nodes. */
export async function trace(mode, { w1, w2, profile = false, kinds = ['code', 'pure'] }) {
  const home = mkdtempSync(join(tmpdir(), `runlog-trace-${mode}-`));
  const [marks, profiles] = [join(home, 'marks'), mkdtempSync(join(tmpdir(), 'runlog-profiles-'))];
  const profiler = new URL('./profiler.mjs', import.meta.url).href;
  const env = { RUNLOG_HOP_MARKS: marks, ...(profile && { NODE_OPTIONS: `--import=${profiler}`, RUNLOG_PROFILE_TO: profiles }) };
  const system = await start(mode, join(home, 'data'), env);
  const client = startClient();
  const tables = [];
  const wanted = [];
  try {
    await client.ask('connect', { url: system.url, key: system.key });
    for (const body of workflows(10)) await client.ask('call', { method: 'POST', path: '/api/v1/workflows', body });
    for (const kind of kinds) {
      const ask = (count, inFlight) => client.ask('run', { workflow: `steps_${kind}`, count, inFlight, input: { x: 1 }, timed: true });
      await ask(w2, 64);
      wanted.push([`${mode}, W1, ${kind}`, (await ask(w1, 1)).runs]);
      wanted.push([`${mode}, W2 (64 in flight), ${kind}`, (await ask(w2, 64)).runs]);
      if (profile)
        for (const [name, count, inFlight] of [
          ['W1', w1, 1],
          ['W2', w2, 64],
        ])
          tables.push(profileTable(`${mode}, ${name}, ${kind}`, await profiled(system.pids, profiles, () => ask(count, inFlight)), count));
    }
  } finally {
    client.close();
    await system.stop();
  }
  const byExecution = marksIn(marks);
  for (const folder of [home, profiles]) rmSync(folder, { recursive: true, force: true });
  return [...(system.shape ? [system.shape] : []), ...wanted.map(([title, runs]) => hopTable(title, hopsOf(byExecution, runs))), ...tables];
}

const marker = (word) => `<!-- ${word} of what \`npm run bench -- --trace --profile --report\` writes -->`;

/** Puts the tables into docs/performance.md, in the place of the last ones. */
export function keepReport(tables) {
  const path = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));
  const text = readFileSync(path, 'utf8');
  const [begin, end] = [text.indexOf(marker('begin')), text.indexOf(marker('end'))];
  if (begin < 0 || end < begin) throw new Error(`Expected ${path} to have a place for the tables, but its markers are missing`);
  const when = `Node ${process.version}, ${cpus().length} cores, load ${loadavg()[0].toFixed(1)}, ${new Date().toISOString().slice(0, 10)}.`;
  writeFileSync(path, `${text.slice(0, begin)}${marker('begin')}\n\n${when}\n\n${tables.join('\n')}\n${text.slice(end)}`);
}

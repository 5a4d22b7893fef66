// `npm run bench:agents [-- --quick] [--only steps,first-frame,streams,crowd]`: agents on a cluster of this machine (Kafka, PostgreSQL, a process per service), with a
// scripted model in a process of its own. What a step costs beyond its model, how long the first frame takes beside a bare proxy in the same
// run, what one gateway streams and what a stream holds, and many agents that wait. Results go to tests/performance/results.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startCluster } from '../../deploy/local/cluster.mjs';
import { commandLine } from '../../deploy/local/command-line.mjs';
import { setUp } from '../../deploy/local/setup.mjs';
import { startModel } from '../models/start-model.mjs';
import { measureCrowd } from './agents/crowd.mjs';
import { measureFirstFrame } from './agents/first-frame.mjs';
import { measureSteps } from './agents/steps.mjs';
import { measureStreams } from './agents/streams.mjs';
import { talker } from './agents/talk.mjs';

const { quick, only } = commandLine({
  usage: 'npm run bench:agents [-- --quick] [--only steps,first-frame,streams,crowd]: steps, first frames, streams and a thousand waiting agents',
  flags: ['quick'],
  values: { only: ['steps', 'first-frame', 'streams', 'crowd'] },
});
const wanted = new Set(only);
const say = (line) => process.stderr.write(`${line}\n`);

await setUp();
const home = mkdtempSync(join(tmpdir(), 'runlog-bench-agents-'));
const env = { RUNLOG_RATE_LIMIT: '0', RUNLOG_PARTITIONS: '4', RUNLOG_SSE_LIMIT: '0', RUNLOG_EGRESS_ALLOW: '127.0.0.0/8' };
const [model, cluster] = await Promise.all([startModel(), startCluster({ home, env, processes: 1, say })]);
const runlog = talker(cluster.gateways[0], cluster.adminKey);
const members = Object.fromEntries(cluster.members.map((member) => [member.service, member]));
const work = {
  steps: () => measureSteps({ runlog, model, rounds: quick ? 3 : 10 }),
  'first-frame': () => measureFirstFrame({ runlog, model, rounds: quick ? 10 : 60 }),
  streams: () => measureStreams({ runlog, model, gateway: members.gateway.pid, streams: quick ? 200 : 1_000, executions: quick ? 10 : 50, pieces: quick ? 50 : 200 }),
  crowd: () => measureCrowd({ runlog, model, members, many: quick ? 200 : 1_000 }),
};

const rowsOf = (value, name = '') =>
  typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([key, each]) => rowsOf(each, name === '' ? key : `${name}.${key}`)) : [[name, value]];

try {
  const results = {};
  for (const [name, measure] of Object.entries(work)) {
    if (!wanted.has(name)) continue;
    say(`Measuring ${name} ...`);
    results[name] = await measure();
    say(JSON.stringify(results[name]));
  }
  const folder = fileURLToPath(new URL('./results/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'agents.json'), `${JSON.stringify(results, null, 2)}\n`);
  process.stdout.write(
    `| what | figure |\n|---|---|\n${rowsOf(results)
      .map((row) => `| ${row.join(' | ')} |\n`)
      .join('')}`,
  );
} finally {
  await cluster.stop();
  await model.stop();
  rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}

// A storm: executions of several shapes on a cluster with a real Kafka, while its processes are killed and frozen; ends with every invariant.
// `npm run test:storm [-- --executions N --kills N --stops N --seed N]`; S0 (200 executions, 10 kills) runs in `npm test`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startCluster } from '../../deploy/local/cluster.mjs';
import { setUp } from '../../deploy/local/setup.mjs';
import { Api, Ledger } from './clients.mjs';
import { readLog } from './independent-log.mjs';
import { all } from './invariants.mjs';

const code = (id, source = 'return 1;', rest = {}) => ({ id, type: 'code', name: id, config: { source }, ...rest });
const row = (...nodes) => ({ nodes, edges: nodes.map(({ id }, i) => ({ from: nodes[i - 1]?.id ?? 'start_of_workflow', to: id })) });
const busy = 'let x = 0; for (let i = 0; i < 20000; i++) x += i; return x;';

/** Four shapes: a row of code nodes, a fan, a delay with a flaky node, and one that asks two people at once. */
export const shapes = [
  { key: 'storm_row', name: 'Row', ...row(code('a', busy), code('b', busy), code('c', busy), code('d', busy)) },
  {
    key: 'storm_fan',
    name: 'Fan',
    nodes: [...'abcdef'].map((id) => code(id, busy)).concat({ id: 'sum', type: 'transform', name: 'sum', config: { expression: '$count($keys(nodes))' } }),
    edges: [...'abcdef'].flatMap((id) => [{ from: 'start_of_workflow', to: id }, { from: id, to: 'sum' }]),
  },
  {
    key: 'storm_timer',
    name: 'Timer',
    ...row({ id: 'wait', type: 'delay', name: 'wait', config: { seconds: 1 } }, code('flaky', 'throw new Error("flaky");', { retry: { max_attempts: 2, initial_ms: 500, jitter: false } })),
  },
  { key: 'storm_gate', name: 'Gate', ...row(code('a', busy), { id: 'ask', type: 'approval', name: 'ask', config: { prompt: 'Go on?', expires_in_seconds: 600 } }, code('b', busy)) },
];

const random = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};

/** How long a killed owner may go unnoticed by its group (session time-out), plus a rebalance: the outage outlasts the last fault by it. */
const takeOverMs = 12_000;

/** Runs one storm; resolves with `{ counts, faults, violations: { I1: [], ... }, drainedMs }`. */
export async function storm({ executions = 200, kills = 10, stops = 0, stopMs = 15_000, seed = 1, watched = 20, timeoutMs = 150_000, say = () => {} }) {
  const rnd = random(seed);
  const home = mkdtempSync(join(tmpdir(), 'runlog-storm-'));
  const cluster = await startCluster({ home, env: { RUNLOG_RATE_LIMIT: '0', RUNLOG_HEARTBEAT_TIMEOUT_MS: '3000' }, say });
  const ledger = new Ledger(join(home, 'ledger.jsonl'));
  const begin = Date.now();
  const api = new Api(cluster.gateways, cluster.adminKey, begin + timeoutMs);
  try {
    for (const shape of shapes) await api.call('POST', '/api/v1/workflows', shape);

    const streams = new Map();
    const following = [];
    const answering = [];
    const create = async (n) => {
      const shape = shapes[n % shapes.length];
      const { status, body } = await api.call('POST', `/api/v1/workflows/${shape.key}/executions`, { input: { n } }, `storm-${seed}-${n}`);
      if (status !== 201 && status !== 200) throw new Error(`create ${n}: ${status} ${JSON.stringify(body)}`);
      ledger.write({ kind: 'created', id: body.id, n });
      if (streams.size < watched) {
        streams.set(body.id, []);
        following.push(api.follow(body.id).then((ids) => streams.set(body.id, ids)));
      }
      if (shape.key === 'storm_gate') for (const by of ['first', 'second']) answering.push(answer(body.id, n, by));
    };
    /** Two people answer each gate; whoever is told 200 believes it won. */
    const answer = async (id, n, by) => {
      for (;;) {
        const { status, body } = await api.call('POST', `/api/v1/executions/${id}/respond`, { node_id: 'ask', decision: 'approve', comment: by }, `answer-${seed}-${n}-${by}`);
        if (status === 200) return ledger.write({ kind: 'answered', id, gate: 'ask.1', by });
        if (status === 409 && body.code !== 'no_open_gate') return undefined;
        if (status !== 409) throw new Error(`respond ${id}: ${status} ${JSON.stringify(body)}`);
        if (Date.now() > api.deadline) throw new Error(`${id} never asked`);
        await sleep(300);
      }
    };

    const creating = (async () => {
      const lanes = 8;
      let n = 0;
      await Promise.all(
        Array.from({ length: lanes }, async () => {
          while (n < executions) {
            await create(n++);
            await sleep(rnd() * 60);
          }
        }),
      );
    })();

    const faults = [];
    const frozen = [];
    const targets = cluster.members;
    const plan = [...Array(kills).fill('kill'), ...Array(stops).fill('stop')].sort(() => rnd() - 0.5);
    for (const [i, what] of plan.entries()) {
      const service = ['commands', 'runner', 'queries', 'gateway', 'scheduler', 'commands', 'runner'][i % 7];
      const candidates = targets.filter((member) => member.service === service);
      const member = candidates[Math.floor(rnd() * candidates.length)];
      await sleep(300 + rnd() * 900);
      if (what === 'kill') {
        member.kill('SIGKILL');
        await member.restart();
      } else {
        member.kill('SIGSTOP');
        frozen.push(sleep(stopMs).then(() => member.kill('SIGCONT')));
      }
      faults.push(`${what} ${member.name}`);
      say(`${((Date.now() - begin) / 1000).toFixed(1)} s: ${faults.at(-1)}`);
    }
    await Promise.all(frozen);
    const lastFault = Date.now();
    await creating;
    await Promise.all(answering);
    await Promise.all(cluster.members.map((member) => member.ready()));

    const created = ledger.read().filter(({ kind }) => kind === 'created');
    const shown = new Map();
    for (const { id } of created) {
      for (;;) {
        const { body: resource } = await api.call('GET', `/api/v1/executions/${id}`);
        if (resource.is_terminal) {
          shown.set(id, { resource });
          break;
        }
        if (Date.now() > api.deadline) throw new Error(`${id} is still ${resource.status} at the deadline: ${JSON.stringify((await api.call('GET', `/api/v1/executions/${id}/events`)).body).slice(-1500)}`);
        await sleep(250);
      }
    }
    const drainedMs = Date.now() - lastFault;
    await Promise.all(following);
    for (const [id, seen] of shown) seen.events = (await api.call('GET', `/api/v1/executions/${id}/events?limit=1000`)).body.data;

    const log = await readLog(cluster.brokers.split(','));
    const facts = { events: log.events, ledger: ledger.read(), shown, streams, outageMs: lastFault - begin + takeOverMs };
    const violations = { hashes: log.problems, ...Object.fromEntries(Object.entries(all).map(([name, check]) => [name, check(facts)])) };
    const statuses = Object.groupBy([...shown.values()], ({ resource }) => resource.status);
    return {
      counts: { executions: created.length, events: log.events.length, voids: log.voids, claims: log.claims, statuses: Object.fromEntries(Object.entries(statuses).map(([status, list]) => [status, list.length])) },
      faults,
      violations,
      drainedMs,
      seconds: (Date.now() - begin) / 1000,
    };
  } finally {
    ledger.close();
    await cluster.stop();
    if (!process.env.RUNLOG_KEEP_STORM) rmSync(home, { recursive: true, force: true });
    else say(`kept ${home}`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const option = (name, fallback) => {
    const i = process.argv.indexOf(`--${name}`);
    return i < 0 ? fallback : Number(process.argv[i + 1]);
  };
  await setUp();
  const options = { executions: option('executions', 5_000), kills: option('kills', 200), stops: option('stops', 20), seed: option('seed', 1), timeoutMs: option('minutes', 30) * 60_000 };
  const alive = setInterval(() => {}, 60_000);
  const result = await storm({ ...options, say: (line) => process.stderr.write(`${line}\n`) });
  clearInterval(alive);
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  process.exit(Object.values(result.violations).every((list) => list.length === 0) ? 0 : 1);
}

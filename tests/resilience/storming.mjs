// A storm: executions of several shapes on a cluster with a real Kafka, while its processes are killed and frozen; ends with every invariant.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCluster } from '../../deploy/local/cluster.mjs';
import { Api, Ledger } from './clients.mjs';
import { readLog } from './independent-log.mjs';
import { all } from './invariants.mjs';
import { driftOf } from './read-models.mjs';

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
    edges: [...'abcdef'].flatMap((id) => [
      { from: 'start_of_workflow', to: id },
      { from: id, to: 'sum' },
    ]),
  },
  {
    key: 'storm_timer',
    name: 'Timer',
    ...row(
      { id: 'wait', type: 'delay', name: 'wait', config: { seconds: 1 } },
      code('flaky', 'throw new Error("flaky");', { retry: { max_attempts: 2, initial_ms: 500, jitter: false } }),
    ),
  },
  {
    key: 'storm_gate',
    name: 'Gate',
    ...row(code('a', busy), { id: 'ask', type: 'approval', name: 'ask', config: { prompt: 'Go on?', expires_in_seconds: 600 } }, code('b', busy)),
  },
];

const random = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};

/** How long a killed owner may go unnoticed by its group (session time-out), plus a rebalance: the outage outlasts the last fault by it. */
const takeOverMs = 12_000;

/** Resolves with when the read models were level with the log for the first time, as both gateways' lists say. */
async function levelAt(api) {
  for (let seen = 0; seen < 2; ) {
    const lagMs = await api.lagMs();
    seen = lagMs === 0 ? seen + 1 : 0;
    if (Date.now() > api.deadline) return Number.POSITIVE_INFINITY;
    if (seen < 2) await sleep(50);
  }
  return Date.now();
}

/**
 * Runs one storm; resolves with `{ counts, faults, violations: { I1: [], ... }, levelMs, drainedMs, phases }`: from the last fault until the read
 * models were level, and from the last fault or request until every execution had ended.
 */
export async function storm({ executions = 200, kills = 10, stops = 0, stopMs = 15_000, seed = 1, watched = 20, timeoutMs = 150_000, say = () => {} }) {
  const rnd = random(seed);
  const home = mkdtempSync(join(tmpdir(), 'runlog-storm-'));
  const cluster = await startCluster({ home, processes: 2, env: { RUNLOG_RATE_LIMIT: '0', RUNLOG_PARTITIONS: '4', RUNLOG_HEARTBEAT_TIMEOUT_MS: '3000' }, say });
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

    const phases = {};
    const passed = (phase) => {
      phases[phase] = Date.now() - begin;
      say(`${(phases[phase] / 1000).toFixed(1)} s: ${phase}`);
    };
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
    passed('faults over');
    const level = levelAt(api);
    await creating;
    passed('all created');
    await Promise.all(answering);
    passed('all answered');
    const lastRequest = Date.now();

    const created = ledger.read().filter(({ kind }) => kind === 'created');
    const shown = new Map();
    for (const { id } of created) {
      for (;;) {
        const { body: resource } = await api.call('GET', `/api/v1/executions/${id}`);
        if (resource.is_terminal) {
          shown.set(id, { resource });
          break;
        }
        if (Date.now() > api.deadline)
          throw new Error(`${id} is still ${resource.status} at the deadline: ${JSON.stringify((await api.call('GET', `/api/v1/executions/${id}/events`)).body).slice(-1500)}`);
        await sleep(250);
      }
    }
    const drainedMs = Date.now() - lastRequest;
    passed('all ended');
    const levelMs = (await level) - lastFault;
    await Promise.all(following);
    for (const [id, seen] of shown) seen.events = (await api.call('GET', `/api/v1/executions/${id}/events?limit=1000`)).body.data;
    passed('all read');
    await Promise.all(cluster.members.map((member) => member.ready()));

    const log = await readLog(cluster.brokers.split(','));
    const drift = await driftOf(cluster);
    const facts = { ...log, drift, ledger: ledger.read(), shown, streams, outageMs: lastFault - begin + takeOverMs, levelMs, drainedMs };
    const violations = Object.fromEntries(Object.entries(all).map(([name, check]) => [name, check(facts)]));
    passed('all checked');
    const statuses = Object.groupBy([...shown.values()], ({ resource }) => resource.status);
    return {
      counts: {
        executions: created.length,
        events: log.events.length,
        voids: log.voids.length,
        claims: log.claims,
        statuses: Object.fromEntries(Object.entries(statuses).map(([status, list]) => [status, list.length])),
      },
      faults,
      violations,
      levelMs,
      drainedMs,
      phases,
      seconds: (Date.now() - begin) / 1000,
    };
  } finally {
    ledger.close();
    await cluster.stop();
    if (!process.env.RUNLOG_KEEP_STORM) rmSync(home, { recursive: true, force: true });
    else say(`kept ${home}`);
  }
}

// Nodes of every class of effect on a cluster with a real Kafka, while runners and engines are killed; a recorder in a process of its own says
// what reached the world. `npm run test:effects [-- --executions N --kills N --seed N]`; a small one (40 executions, 6 kills) runs in `npm test`.
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startCluster } from '../../deploy/local/cluster.mjs';
import { Api } from './clients.mjs';
import { command } from './command.mjs';
import { effects } from './effects-invariants.mjs';
import { readLog } from './independent-log.mjs';
import { legalSteps, oneChain, oneEnd, oneOutcome, oneWinner, rowsAsFolded } from './invariants.mjs';
import { driftOf } from './read-models.mjs';

const classes = {
  plain: {},
  declared: { effect: 'at_least_once' },
  keyed: { effect: 'keyed' },
  once: { effect: 'at_most_once' },
  ask: { on_unknown: 'ask' },
};

const shapesFor = (url) =>
  Object.entries(classes).map(([key, declared]) => ({
    key: `effects_${key}`,
    name: key,
    nodes: ['a', 'b', 'c'].map((id) => ({
      id,
      type: 'http',
      name: id,
      config: { method: 'POST', url: `${url}/{{ execution.id }}/${id}`, ...(key === 'keyed' ? { method: 'PUT' } : {}) },
      retry: { max_attempts: 5, initial_ms: 50 },
      ...declared,
    })),
    edges: ['a', 'b', 'c'].map((to, i) => ({ from: ['start_of_workflow', 'a', 'b'][i], to })),
  }));

const random = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};

async function startRecorder(seed) {
  const child = fork(fileURLToPath(new URL('./effects-recorder.mjs', import.meta.url)), [String(seed), '2000', '0.05']);
  const port = await new Promise((ready, fail) => child.once('message', ready).once('exit', fail));
  const url = `http://127.0.0.1:${port}`;
  const ask = (what) => fetch(`${url}/${what}`).then((response) => response.json());
  /** Resolves when so many requests wait for their answer, or after a while. */
  const busy = async (requests) => {
    for (const last = Date.now() + 5_000; (await ask('open')) < requests && Date.now() < last; ) await sleep(20);
  };
  return { url, hits: () => ask('hits'), busy, stop: () => child.kill() };
}

/** Runs one storm; resolves with `{ counts, violations, seconds }`. A third of what has ended is retried at the end, so that receipts are returned. */
export async function effectsStorm({ executions = 400, kills = 40, seed = 1, lanes = 8, timeoutMs = 600_000, say = () => {} }) {
  const rnd = random(seed);
  const home = mkdtempSync(join(tmpdir(), 'runlog-effects-'));
  const recorder = await startRecorder(seed);
  const env = { RUNLOG_RATE_LIMIT: '0', RUNLOG_PARTITIONS: '4', RUNLOG_HEARTBEAT_TIMEOUT_MS: '2000', RUNLOG_EGRESS_ALLOW: '127.0.0.0/8' };
  const cluster = await startCluster({ home, processes: 2, counts: { gateway: 1, queries: 1 }, env, say });
  const begin = Date.now();
  const api = new Api(cluster.gateways, cluster.adminKey, begin + timeoutMs);
  let isOver = false;
  try {
    const shapes = shapesFor(recorder.url);
    for (const shape of shapes) {
      const { status, body } = await api.call('POST', '/api/v1/workflows', shape);
      if (status !== 201) throw new Error(`publish ${shape.key}: ${status} ${JSON.stringify(body)}`);
    }

    const classOf = new Map();
    const create = async (n) => {
      const shape = shapes[n % shapes.length];
      const { status, body } = await api.call('POST', `/api/v1/workflows/${shape.key}/executions`, { input: { n } }, `effects-${seed}-${n}`);
      if (status !== 201) throw new Error(`create ${n}: ${status} ${JSON.stringify(body)}`);
      classOf.set(body.id, shape.name);
    };
    /** Says of an at-most-once effect that it was had or that it failed, and has any other repeated. */
    const answered = new Map();
    const person = (async () => {
      while (!isOver) {
        const { status, body } = await api.call('GET', '/api/v1/approvals?kind=effect&limit=100');
        for (const { id, execution_id } of status === 200 ? body.data : []) {
          const name = `${execution_id}/${id}`;
          const once = rnd() < 0.5 ? { decision: 'done', answer: { by: 'a person' } } : { decision: 'fail' };
          if (!answered.has(name)) answered.set(name, { gate_id: id, ...(classOf.get(execution_id) === 'once' ? once : { decision: 'repeat' }) });
          const told = await api.call('POST', `/api/v1/executions/${execution_id}/respond`, answered.get(name), `answer-${seed}-${name}`);
          if (told.status !== 200 && told.status !== 409) throw new Error(`respond ${name}: ${told.status} ${JSON.stringify(told.body)}`);
        }
        await sleep(200);
      }
    })();

    let n = 0;
    const lane = async () => {
      while (n < executions) {
        await create(n++);
        await sleep(rnd() * 100);
      }
    };
    const creating = Promise.all(Array.from({ length: lanes }, lane));
    /** In the middle of effects: an engine, both runners, or one of them. */
    for (let round = 0; round < kills; round++) {
      await recorder.busy(3);
      await sleep(rnd() * 200);
      const candidates = cluster.members.filter(({ service }) => service === (round % 3 === 0 ? 'commands' : 'runner'));
      const some = round % 3 === 1 ? candidates : [candidates[Math.floor(rnd() * candidates.length)]];
      for (const member of some) member.kill('SIGKILL');
      await Promise.all(some.map((member) => member.restart()));
      say(`${((Date.now() - begin) / 1000).toFixed(1)} s: killed ${some.map(({ name }) => name)}`);
    }
    await creating;

    const ended = async (id) => {
      for (;;) {
        const { body } = await api.call('GET', `/api/v1/executions/${id}`);
        if (body.is_terminal) return body;
        if (Date.now() > api.deadline)
          throw new Error(`${id} is still ${body.status}: ${JSON.stringify((await api.call('GET', `/api/v1/executions/${id}/events`)).body).slice(-1500)}`);
        await sleep(100);
      }
    };
    const first = [...classOf.keys()];
    for (const id of first) await ended(id);
    say(`${((Date.now() - begin) / 1000).toFixed(1)} s: all ended`);
    for (const id of first.filter((_, at) => at % 3 === 0)) {
      const { status, body } = await api.call('POST', `/api/v1/executions/${id}/retry`, {}, `retry-${seed}-${id}`);
      if (status !== 201) throw new Error(`retry ${id}: ${status} ${JSON.stringify(body)}`);
      classOf.set(body.id, classOf.get(id));
    }
    const shown = [];
    for (const id of classOf.keys()) shown.push(await ended(id));
    say(`${((Date.now() - begin) / 1000).toFixed(1)} s: all retried ones ended`);
    isOver = true;
    await person;

    const { events } = await readLog(cluster.brokers.split(','));
    const facts = { events, hits: await recorder.hits(), classOf, ledger: [], drift: await driftOf(cluster) };
    const tally = (list) => Object.fromEntries([...Map.groupBy(list, (one) => one)].map(([name, some]) => [name, some.length]).sort());
    return {
      counts: {
        executions: first.length,
        retries: classOf.size - first.length,
        hits: tally(facts.hits.map(({ execution }) => classOf.get(execution))),
        statuses: tally(shown.map(({ status }) => status)),
        lost: events.filter(({ type }) => type === 'AttemptLost').length,
        begunAhead: events.filter(({ type, command }) => type === 'NodeStarted' && command.startsWith('complete:')).length,
        unknown: events.filter(({ type }) => type === 'EffectUnknown').length,
        answers: tally([...answered.values()].map(({ decision }) => decision)),
        returned: events.filter(({ type, data }) => type === 'NodeCompleted' && data.returned_from).length,
      },
      violations: Object.fromEntries(
        Object.entries({ oneEnd, oneChain, legalSteps, oneOutcome, oneWinner, rowsAsFolded, ...effects }).map(([name, check]) => [name, check(facts)]),
      ),
      seconds: (Date.now() - begin) / 1000,
    };
  } finally {
    isOver = true;
    await cluster.stop();
    recorder.stop();
    if (!process.env.RUNLOG_KEEP_STORM) rmSync(home, { recursive: true, force: true });
    else say(`kept ${home}`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await command(effectsStorm, { executions: 400, kills: 40, seed: 1, lanes: 8, minutes: 10 });

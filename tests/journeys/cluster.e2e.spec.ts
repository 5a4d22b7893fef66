import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { slowness } from '@runlog/testing';
import { type Cluster, type Gateway, type Member, startTestCluster } from './clustered.js';
import { type Event, flawsOf, historyOf } from './histories.js';
import { idsOf, read, upTo } from './streaming.js';
import { until } from './until.js';
import { approval, code, delay, inSequence, publish, transform } from './workflows.js';

/** Short of the default 5 s. A dead runner's unstarted tasks wait for the group's session to end (6 s), so that much less would prove nothing more. */
const heartbeatTimeoutMs = 4000;

let cluster: Cluster;
let one: Gateway;
let other: Gateway;

beforeAll(async () => {
  cluster = await startTestCluster({ RUNLOG_EGRESS_ALLOW: '127.0.0.1', RUNLOG_RATE_LIMIT: '0', RUNLOG_HEARTBEAT_TIMEOUT_MS: String(heartbeatTimeoutMs) });
  ({ one, other } = cluster);
  await publish(one, inSequence('steps', [code('a', 'return input.n + 1;'), code('b', 'return nodes.a * 2;'), transform('c', 'nodes.b + 1')]));
  await publish(
    one,
    inSequence('ticks', [code('a', 'return 1;'), delay('p', 1), code('b', 'return 2;'), delay('q', 1), code('c', 'return 3;'), delay('r', 1), transform('d', 'nodes.c')]),
  );
  await publish(one, inSequence('asks', [transform('a', 'input.n'), approval('ask'), transform('b', 'nodes.a + 1')]));
  await publish(
    one,
    inSequence('spins', [
      code('spin', 'const end = Date.now() + input.ms; while (Date.now() < end); return input.n;', {
        timeout_ms: 30_000,
        retry: { max_attempts: 5, initial_ms: 10, jitter: false },
      }),
    ]),
  );
}, 240_000);

afterEach(async () => {
  for (const member of cluster.members.filter(({ runs }) => !runs)) await member.restart();
  await Promise.all(cluster.members.map((member) => member.ready()));
}, 60_000);

afterAll(async () => {
  await cluster?.discard();
}, 60_000);

const create = async (at: Gateway, workflow: string, input: object = { n: 1 }, query = '') => {
  const { status, body } = await at.call('POST', `/api/v1/workflows/${workflow}/executions${query}`, { input });
  if (status >= 300) throw new Error(`Expected to create an execution of '${workflow}', but got ${status}: ${JSON.stringify(body)}`);
  return body;
};

const get = async (at: Gateway, id: string) => (await at.call('GET', `/api/v1/executions/${id}`)).body;

const completed = async (at: Gateway, id: string, timeoutMs = 50_000): Promise<Event> => {
  const ended = await until(
    async () => {
      const now = await get(at, id);
      return now.is_terminal && now;
    },
    { what: `'${id}' to end`, timeoutMs, otherwise: async () => JSON.stringify((await historyOf(at, id)).slice(-3)) },
  );
  expect({ status: ended.status, flaws: flawsOf(await historyOf(at, id)) }).toEqual({ status: 'completed', flaws: [] });
  return ended;
};

const startOf = (at: Gateway, id: string, attempt = 1): Promise<Event> =>
  until(async () => (await historyOf(at, id)).find((event) => event.type === 'NodeStarted' && event.attempt === attempt), {
    what: `attempt ${attempt} of '${id}' to start`,
    timeoutMs: 30_000,
    everyMs: 30,
  });

/** The process behind a runner's id, as its metrics say. */
const runnerOf = async (runner: string): Promise<Member> =>
  until(
    async () => {
      for (const member of cluster.members.filter(({ service, runs }) => service === 'runner' && runs)) {
        const metrics = await fetch(`http://127.0.0.1:${member.healthPort}/metrics`, { signal: AbortSignal.timeout(1000) }).then(
          (response) => response.text(),
          () => '',
        );
        if (metrics.includes(runner)) return member;
      }
      return undefined;
    },
    { what: `a process to be ${runner}`, timeoutMs: 5000 },
  );

describe('a cluster on Kafka, a process per service', () => {
  it('says of each process that it is ready, and shows its metrics', async () => {
    const services = ['commands-1', 'commands-2', 'gateway-1', 'gateway-2', 'queries-1', 'queries-2', 'runner-1', 'runner-2', 'scheduler-1'];
    expect(cluster.members.map(({ name }) => name).sort()).toEqual(services);
    for (const { name, healthPort } of cluster.members) {
      const health = async () => (await (await fetch(`http://127.0.0.1:${healthPort}/health/ready`)).json()) as { status: string };
      await until(async () => (await health()).status === 'up', { what: `${name} to be ready`, otherwise: async () => JSON.stringify(await health()) });
      const metrics = await fetch(`http://127.0.0.1:${healthPort}/metrics`);
      expect({ name, status: metrics.status, own: /^runlog_\w+/m.test(await metrics.text()) }).toEqual({ name, status: 200, own: true });
    }
  }, 60_000);

  it('runs the sample, and what it posts equals an independent computation', async () => {
    const { runSample } = (await import(pathToFileURL(resolve('deploy/sample/run.mjs')).href)) as {
      runSample(options: object): Promise<{ execution: Event; expected: object; posted: Event }>;
    };
    const approve = ({ id }: { id: string }) => other.call('POST', `/api/v1/executions/${id}/respond`, { decision: 'approve' });
    const { execution, expected, posted } = await runSample({ url: one.url, key: one.key, approve });
    expect({ output: execution.output?.report, posted: posted?.body }).toEqual({ output: expected, posted: expected });
    expect(flawsOf(await historyOf(other, execution.id))).toEqual([]);
  }, 60_000);

  it('shows on one gateway at once what was written on the other', async () => {
    for (let n = 0; n < 10; n++) {
      const { id, version } = await create(one, 'asks', { n });
      const seen = await other.call('GET', `/api/v1/executions/${id}`);
      expect({ status: seen.status, id: seen.body.id, stale: seen.headers.get('runlog-stale'), isThere: seen.body.version >= version }).toEqual({
        status: 200,
        id,
        stale: null,
        isThere: true,
      });
      const list = await other.call('GET', '/api/v1/executions?limit=20&fields=id');
      expect(list.body.data.map((row: { id: string }) => row.id)).toContain(id);
      const cancelled = await other.call('POST', `/api/v1/executions/${id}/cancel`, {});
      expect(cancelled.body.status).toBe('cancelled');
      expect((await get(one, id)).status).toBe('cancelled');
    }
  }, 60_000);

  it('goes on with an event stream on the other gateway when the first is killed: no gap, nothing twice', async () => {
    const { id } = await create(one, 'ticks');
    const path = `/api/v1/executions/${id}/events`;
    const first = await read(one, path, {
      enough: (messages) => {
        if (messages.length >= 5 && cluster.member('gateway-1').runs) cluster.member('gateway-1').kill('SIGKILL');
        return false;
      },
    });
    expect(first.closed).toBe(false);
    const told = idsOf(first.messages);
    const second = await read(other, path, { headers: { 'last-event-id': String(told.at(-1)) } });
    expect(second.messages.at(-1)).toMatchObject({ event: 'done' });
    const history = await historyOf(other, id);
    expect([...told, ...idsOf(second.messages)]).toEqual(upTo(history.length));
    const datas = [...first.messages, ...second.messages].filter(({ event }) => event !== 'done').map(({ data }) => JSON.parse(data).id);
    expect(datas).toEqual(history.map((event) => event.id));
  }, 60_000);
});

describe('a runner that is gone', () => {
  it('killed, has its task started by another within twice the heartbeat time-out', async () => {
    const { id } = await create(one, 'spins', { n: 7, ms: 1500 });
    const member = await runnerOf((await startOf(one, id)).data.runner);
    const at = Date.now();
    member.kill('SIGKILL');
    const second = await startOf(one, id, 2);
    expect(Date.parse(second.at) - at).toBeLessThan(2 * heartbeatTimeoutMs * slowness());
    expect((await completed(one, id)).output).toBe(7);
    expect((await historyOf(one, id)).map(({ type }) => type)).toContain('AttemptLost');
  }, 60_000);

  it('frozen for 12 s, likewise; what it reports later is refused and shows as a late report', async () => {
    const { id } = await create(one, 'spins', { n: 8, ms: 3000 });
    const first = await startOf(one, id);
    const member = await runnerOf(first.data.runner);
    const at = Date.now();
    member.kill('SIGSTOP');
    try {
      const second = await startOf(one, id, 2);
      expect(Date.parse(second.at) - at).toBeLessThan(2 * heartbeatTimeoutMs * slowness());
      expect(second.data.runner).not.toBe(first.data.runner);
      expect((await completed(one, id)).output).toBe(8);
      await until(() => Date.now() - at >= 12_000, { what: 'the freeze to last 12 s' });
    } finally {
      member.kill('SIGCONT');
    }
    const nodes = () => one.call('GET', `/api/v1/executions/${id}/nodes`);
    const late = await until(async () => (await nodes()).body.data[0].attempts.find((attempt: Event) => attempt.late_report), {
      what: 'the late report',
      otherwise: async () => JSON.stringify((await nodes()).body, null, 1),
    });
    expect(late).toMatchObject({ attempt: 1, runner: first.data.runner, late_report: { report: 'completed' } });
    expect((await get(one, id)).output).toBe(8);
  }, 90_000);
});

describe('faults in the middle', () => {
  /** Executions of two kinds, under way. */
  const many = (count: number) => Promise.all(Array.from({ length: count }, (_, n) => create(n % 2 ? one : other, n % 4 ? 'steps' : 'ticks', { n })));
  const finish = async (created: readonly { id: string }[]) => {
    for (const { id } of created) await completed(other, id, 60_000);
  };

  it('an owner of commands killed: everything finishes', async () => {
    const created = await many(40);
    cluster.member('commands-1').kill('SIGKILL');
    await cluster.member('commands-1').restart();
    await finish(created);
  }, 120_000);

  it('the broker killed and started again on its data: everything finishes', async () => {
    const created = await many(40);
    const broker = await cluster.crashKafka();
    await pause(1000);
    await broker.back();
    await finish(created);
    await until(async () => (await Promise.all(cluster.members.map((member) => fetch(`http://127.0.0.1:${member.healthPort}/health/ready`)))).every(({ ok }) => ok), {
      what: 'every process to be ready again',
      everyMs: 200,
    });
  }, 120_000);

  it('each service stopped in order while it works, one after the other: exit code 0, nothing lost', async () => {
    for (const name of ['commands-1', 'scheduler-1', 'runner-1', 'queries-1', 'gateway-2']) {
      const member = cluster.member(name);
      const created = await Promise.all(Array.from({ length: 12 }, (_, n) => create(one, n % 4 ? 'steps' : 'ticks', { n })));
      expect({ name, code: await member.stop() }).toEqual({ name, code: 0 });
      await member.restart();
      await member.ready();
      for (const { id } of created) await completed(one, id, 60_000);
      for (const { id } of created) expect((await historyOf(one, id)).map(({ type }) => type)).not.toContain('AttemptLost');
    }
  }, 180_000);

  it('feeds a consumer that has nothing of its own, past owners that were replaced: what it counts is what the lists count', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [resolve('tests/journeys/cost-per-day.mjs')], {
      env: { ...process.env, KAFKA_BROKERS: cluster.brokers },
    });
    const [head, ...lines] = stdout.trimEnd().split('\n');
    expect(head).toBe('day,workflow_id,executions,completed,failed,cancelled,nodes,cost_usd');
    const counted = new Map<string, readonly number[]>();
    for (const line of lines) {
      const [day, workflow = '', ...figures] = line.split(',');
      expect(day).toMatch(/^\d{4}-\d\d-\d\d$/);
      expect(figures.at(-1)).toBe('0.000000000');
      counted.set(
        workflow,
        figures.map((figure, i) => Number(figure) + (counted.get(workflow)?.[i] ?? 0)),
      );
    }
    for (const [workflow, [executions, completions]] of counted) {
      const total = async (query: string) => (await one.call('GET', `/api/v1/executions?workflow_id=${workflow}&limit=1&page=1${query}`)).body.meta.total;
      expect({ workflow, executions, completions }).toEqual({ workflow, executions: await total(''), completions: await total('&status=completed') });
    }
    expect([...counted.values()].reduce((sum, [executions = 0]) => sum + executions, 0)).toBeGreaterThanOrEqual(40);
  }, 60_000);
});

import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { slowness } from '@runlog/testing';
import { flawsOf, historyOf } from './histories.js';
import { alive, familyOf, listens, type Process } from './processes.js';
import { type Running, startStandalone } from './standalone.js';
import { until } from './until.js';
import { approval, code, delay, inSequence, publish, transform } from './workflows.js';

jest.setTimeout(60_000);

let runlog: Running;
const left: Process[] = [];

afterAll(async () => {
  await runlog?.discard();
  for (const { pid } of await alive(left)) process.kill(pid, 'SIGKILL');
});

const postgresOf = async ({ home }: Running) => {
  const lines = (await readFile(join(home, 'postgres/cluster/postmaster.pid'), 'utf8')).split('\n');
  return { pid: Number(lines[0]), port: Number(lines[3]) };
};

const portOf = ({ url }: Running) => Number(new URL(url).port);

const counts = async (filter: string): Promise<number> => (await runlog.call('GET', `/api/v1/executions?${filter}&page=1&limit=1`)).body.meta.total;

describe('standalone', () => {
  it('killed in the middle of 100 executions, finishes every one of them after the next start, on the same home', async () => {
    runlog = await startStandalone();
    await publish(runlog, inSequence('steps', [code('a', 'return input.n + 1;'), code('b', 'return nodes.a * 2;'), code('c', 'return nodes.b + 1;'), transform('d', 'nodes.c')]));
    await publish(runlog, inSequence('later', [code('a', 'return input.n;'), delay('pause', 1.5), code('b', 'return nodes.a + 1;')]));
    await publish(runlog, inSequence('asks', [code('a', 'return input.n;'), approval('ask'), transform('b', '{ "n": nodes.a, "said": nodes.ask.decision }')]));

    const kinds = ['steps', 'later', 'asks'];
    const created = await Promise.all(
      Array.from({ length: 100 }, async (_, n) => {
        const workflow = kinds[n % 3] as string;
        const { status, body } = await runlog.call('POST', `/api/v1/workflows/${workflow}/executions`, { input: { n } });
        expect(status).toBe(201);
        return { id: body.id as string, n, workflow };
      }),
    );
    await until(async () => (await counts('status=completed')) >= 5, { what: 'the first executions to complete' });
    left.push(...(await familyOf(runlog.pid)));
    const finishedBefore = await counts('status=completed');
    await runlog.kill();

    const begun = performance.now();
    runlog = await startStandalone({ home: runlog.home, stdin: 'closed' });
    const readyWithinMs = performance.now() - begun;
    expect(readyWithinMs).toBeLessThan(5000 * slowness());
    expect(finishedBefore).toBeLessThan(100);

    const unanswered = new Set(created.filter(({ workflow }) => workflow === 'asks').map(({ id }) => id));
    await until(
      async () => {
        const { body } = await runlog.call('GET', '/api/v1/executions?status=awaiting_approval&limit=100&fields=id');
        await Promise.all(
          body.data.map(async ({ id }: { id: string }) => {
            const { status } = await runlog.call('POST', `/api/v1/executions/${id}/respond`, { decision: 'approve' });
            if (status === 200) unanswered.delete(id);
          }),
        );
        return unanswered.size === 0 && (await counts('status=completed')) === 100;
      },
      { what: 'all 100 to complete', everyMs: 200, otherwise: async () => `${await counts('status=completed')} are; not answered: ${unanswered.size}` },
    );
    expect(await counts('created_after=2000-01-01')).toBe(100);

    const outputs = { steps: (n: number) => (n + 1) * 2 + 1, later: (n: number) => n + 1, asks: (n: number) => ({ n, said: 'approve' }) };
    for (const { id, n, workflow } of created) {
      const events = await historyOf(runlog, id);
      expect({ id, flaws: flawsOf(events) }).toEqual({ id, flaws: [] });
      expect(events.at(-1)).toMatchObject({ type: 'ExecutionCompleted', data: { output: outputs[workflow as keyof typeof outputs](n) } });
    }
  }, 90_000);

  it('left no process of the killed one behind, PostgreSQL taken over or ended', async () => {
    const own = new Set((await familyOf(runlog.pid)).map(({ pid }) => pid).concat((await postgresOf(runlog)).pid));
    const others = (processes: Process[]) => processes.filter(({ pid, parent }) => !own.has(pid) && !own.has(parent));
    await until(async () => others(await alive(left)).length === 0, {
      what: 'every process of the first start to be gone',
      otherwise: async () => JSON.stringify(others(await alive(left))),
    });
  });

  it('works with stdin closed, and says where it is and with which key', () => {
    expect(runlog.output()).toContain(`${runlog.url}/api/v1`);
    expect(runlog.output()).toContain(runlog.key);
  });

  it('refuses a second process on its home', async () => {
    await expect(startStandalone({ home: runlog.home })).rejects.toThrow(/alone, but process \d+ runs PostgreSQL on it/);
    expect((await runlog.call('GET', '/health/ready')).status).toBe(200);
  });

  it('stops in order on SIGTERM with code 0, and leaves no process and no port', async () => {
    await runlog.call('POST', '/api/v1/workflows/steps/executions', { input: { n: 1 } });
    const postgres = await postgresOf(runlog);
    const family = await familyOf(runlog.pid);
    expect(await listens(postgres.port)).toBe(true);
    const begun = performance.now();
    expect(await runlog.stop()).toBe(0);
    expect(performance.now() - begun).toBeLessThan(10_000 * slowness());
    expect([await listens(portOf(runlog)), await listens(postgres.port)]).toEqual([false, false]);
    await until(async () => (await alive(family)).length === 0, { what: 'every process to be gone', otherwise: async () => JSON.stringify(await alive(family)) });
  });

  it('ends with a word when its PostgreSQL is killed, and has everything after the next start', async () => {
    await runlog.stop();
    runlog = await startStandalone({ home: runlog.home });
    const { body } = await runlog.call('POST', '/api/v1/workflows/steps/executions?wait=50', { input: { n: 1 } });
    process.kill((await postgresOf(runlog)).pid, 'SIGKILL');
    expect(await runlog.ended()).toBe(1);
    expect(runlog.output()).toMatch(/Runlog stops: PostgreSQL .* ended/);
    runlog = await startStandalone({ home: runlog.home });
    expect((await runlog.call('GET', `/api/v1/executions/${body.id}`)).body).toMatchObject({ status: 'completed', output: 5 });
    expect(await runlog.stop()).toBe(0);
  });

  it('says everything that is wrong with its settings, and does not start', async () => {
    const child = spawn(process.execPath, [resolve('apps/standalone/dist/main.js')], {
      env: { PATH: process.env.PATH, RUNLOG_HOME: runlog.home, PORT: 'abc', RUNLOG_PARTITIONS: '0', DATABASE_URL: 'mysql://x' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const code = await new Promise((done) => child.once('close', done));
    expect(code).toBe(78);
    expect(text.trim().split('\n')).toEqual([
      'Expected usable settings, but 3 cannot be used:',
      '  PORT: expected a whole number from 0 to 65535',
      '  DATABASE_URL: expected a URL that begins with postgres:// or postgresql://',
      '  RUNLOG_PARTITIONS: expected at least 1',
    ]);
  });
});

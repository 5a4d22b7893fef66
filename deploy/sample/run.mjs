// `npm run sample [--approve]`: the README's first workflow against a running Runlog, on real data, checked against an independent computation.
import { fork } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { root, setUp } from '../local/setup.mjs';
import { dataSet } from './servers.mjs';
import { workflow } from './workflow.mjs';

/** The file server and the sink in a process of their own. */
export function forkServers() {
  const child = fork(fileURLToPath(new URL('./servers.mjs', import.meta.url)), ['--serve'], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const next = () => new Promise((done, fail) => child.once('message', done).once('exit', (code) => fail(new Error(`The sample's servers ended with ${code}`))));
  return {
    addresses: next(),
    posted: async () => {
      const answer = next();
      child.send('posted');
      return (await answer).posted;
    },
    close: () => child.disconnect(),
  };
}

/** The same JSON; objects may come from another process or realm. */
const isSame = (a, b) => isDeepStrictEqual(JSON.parse(JSON.stringify(a ?? null)), JSON.parse(JSON.stringify(b ?? null)));

/** What the workflow must find, computed from the file itself. */
export async function expectedReport(region) {
  const countries = JSON.parse(await readFile(dataSet(), 'utf8')).filter((one) => one.region === region);
  let largest = countries[0];
  for (const one of countries) if (one.area > largest.area) largest = one;
  return {
    region,
    countries: countries.length,
    area_km2: countries.map((one) => one.area).reduce((a, b) => a + b, 0),
    largest: largest.name.common,
    landlocked: countries.flatMap((one) => (one.landlocked ? [one.name.common] : [])).sort(),
    neighbours: countries.map((one) => one.borders.length).reduce((a, b) => a + b, 0),
  };
}

/** A client of the public API: resolves with the parsed body, rejects with the problem's sentence. */
export const client =
  (url, key) =>
  async (method, path, body, headers = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const answer = text ? JSON.parse(text) : null;
    if (!response.ok) throw Object.assign(new Error(`${method} ${path}: ${response.status} ${answer?.detail ?? text}`), { status: response.status, problem: answer });
    return answer;
  };

/** Publishes, runs and checks the sample; `approve` is called with the execution that waits and resolves once somebody answered. */
export async function runSample({ url, key, region = 'Europe', approve, say = () => {} }) {
  const call = client(url, key);
  const servers = forkServers();
  try {
    const { source, sink } = await servers.addresses;
    await call('POST', '/api/v1/workflows', workflow).catch((error) => {
      if (error.status !== 409) throw error;
      return call('POST', `/api/v1/workflows/${workflow.key}/versions`, workflow);
    });
    let execution = await call('POST', `/api/v1/workflows/${workflow.key}/executions?wait=30`, { input: { source, sink, region } });
    say(`Started ${execution.name} (${execution.id}): ${execution.status}`);
    if (execution.status !== 'awaiting_approval') throw new Error(`Expected the sample to ask for approval, but it is ${execution.status}: ${execution.error}`);
    await approve(execution);
    const deadline = Date.now() + 600_000;
    while (!execution.is_terminal) {
      if (Date.now() > deadline) throw new Error('Nobody approved within 10 minutes; the execution still waits');
      await new Promise((done) => setTimeout(done, 300));
      execution = await call('GET', `/api/v1/executions/${execution.id}`);
    }
    if (execution.status !== 'completed') throw new Error(`Expected the sample to complete, but it is ${execution.status}: ${execution.error}`);
    const expected = await expectedReport(region);
    const posted = (await servers.posted()).at(-1);
    const checks = {
      output: isSame(execution.output?.report, expected),
      posted: isSame(posted?.body, expected),
    };
    return { execution, expected, posted, checks };
  } finally {
    servers.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await setUp();
  const say = (line) => process.stdout.write(`${line}\n`);
  const url = process.env.RUNLOG_URL ?? `http://127.0.0.1:${process.env.PORT || 4000}`;
  const home = process.env.RUNLOG_HOME ?? join(root, '.runlog');
  const key = process.env.RUNLOG_API_KEY || process.env.RUNLOG_ADMIN_KEY || (await readFile(join(home, 'admin-key'), 'utf8').catch(() => '')).trim();
  const body = `{"decision":"approve"}`;
  const approve = async (execution) => {
    const path = `/api/v1/executions/${execution.id}/respond`;
    if (process.argv.includes('--approve')) return client(url, key)('POST', path, JSON.parse(body));
    say(
      `It asks: ${execution.gates[0]?.prompt}\nApprove it in another terminal:\n\n  curl -s -X POST ${url}${path} -H 'Authorization: Bearer ${key}' -H 'Content-Type: application/json' -d '${body}'\n`,
    );
  };
  try {
    const { execution, checks } = await runSample({ url, key, approve, say });
    say(`${execution.name} completed in ${execution.duration_ms} ms:\n${JSON.stringify(execution.output, null, 2)}`);
    say(checks.output && checks.posted ? 'The result and what was posted equal an independent computation.' : 'The result DIFFERS from an independent computation.');
    process.exitCode = checks.output && checks.posted ? 0 : 1;
  } catch (error) {
    const down = error.cause?.code === 'ECONNREFUSED';
    process.stderr.write(`${down ? `Nothing answers at ${url}: run 'npm start' first (or set RUNLOG_URL and RUNLOG_API_KEY).` : error.message}\n`);
    process.exitCode = 1;
  }
}

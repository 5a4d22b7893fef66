// `npm run test:fuzz [-- <schemathesis options>]`: a Runlog of its own, and schemathesis on every operation of its OpenAPI document with every
// check, until 20,000 requests have been sent. Python 3.11 is needed; its packages are in requirements.txt, at exact versions.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../deploy/local/kafka.mjs';
import { pythonWith } from '../../deploy/local/python.mjs';
import { pinnedNode, root, setUp } from '../../deploy/local/setup.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const key = 'rl_fuzz_0123456789abcdefghijklmnop';
const REQUESTS = 20_000;

/** A Runlog with an execution that has ended and one that waits, of the workflow that the document's examples are of; and with the agent of the examples, whose secret is missing. */
async function startRunlog(home) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const { DATABASE_URL: _database, KAFKA_BROKERS: _kafka, ...env } = process.env;
  const child = spawn(pinnedNode(), ['--enable-source-maps', join(root, 'apps/standalone/dist/main.js')], {
    // Streams end soon, so that each is read to its end. No node that was made up calls anybody.
    env: { ...env, PORT: String(port), RUNLOG_HOME: home, RUNLOG_ADMIN_KEY: key, RUNLOG_SSE_MAX_SECONDS: '1', RUNLOG_EGRESS_ALLOW: '' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += chunk));
  const ready = () =>
    fetch(`${url}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  for (const deadline = Date.now() + 60_000; !(await ready()); await new Promise((done) => setTimeout(done, 50)))
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`Expected Runlog to become ready, but it did not: ${errors}`);
  const call = async (method, path, body) => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  };
  const { paths } = await (await fetch(`${url}/openapi.json`)).json();
  const [{ value: definition }] = Object.values(paths['/api/v1/workflows'].post.requestBody.content['application/json'].examples);
  await call('POST', '/workflows', definition);
  const [{ value: agent }] = Object.values(paths['/api/v1/agents'].post.requestBody.content['application/json'].examples);
  await call('POST', '/agents', agent);
  const create = () => call('POST', `/workflows/${definition.key}/executions?wait=60`, { input: { amount: 40 } });
  const [ended, waiting] = [await create(), await create()];
  await call('POST', `/executions/${ended.id}/respond`, { decision: 'approve' });
  const stop = () => new Promise((done) => (child.once('exit', done), child.kill('SIGTERM')));
  return { url, ended: ended.key, waiting: waiting.key, stop };
}

/** Runs schemathesis with these options on a Runlog of its own: `{ code, output, requests, log }`. */
export async function fuzz(options, { show = false } = {}) {
  const { python, env } = await pythonWith(join(here, 'requirements.txt'));
  const home = await mkdtemp(join(tmpdir(), 'runlog-fuzz-'));
  const runlog = await startRunlog(home);
  try {
    const program = 'from schemathesis.cli import schemathesis; schemathesis()';
    const args = ['-c', program, '--config-file', join(here, 'schemathesis.toml'), 'run', `${runlog.url}/openapi.json`, '--no-color', ...options];
    const child = spawn(python, [...args, '-H', `Authorization: Bearer ${key}`], {
      cwd: here,
      env: { ...env, FUZZ_ENDED: runlog.ended, FUZZ_WAITING: runlog.waiting, PYTHONDONTWRITEBYTECODE: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        output += chunk;
        if (show) process.stdout.write(chunk);
      });
    const code = await new Promise((done) => child.once('exit', (status, signal) => done(status ?? signal)));
    const requests = Number(/([\d,]+) generated/.exec(output)?.[1]?.replaceAll(',', '') ?? 0);
    const log = await readFile(join(home, 'logs/runlog.log'), 'utf8').catch(() => '');
    return { code, output, requests, log };
  } finally {
    await runlog.stop();
    await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await setUp();
  const own = process.argv.slice(2);
  let sent = 0;
  let code = 0;
  for (let round = 1; sent < REQUESTS && code === 0; round++) {
    const { code: status, requests, output } = await fuzz(own.length > 0 ? own : ['--workers', '4', '--max-examples', '200'], { show: true });
    code = status === 0 ? 0 : 1;
    sent += requests;
    if (requests === 0) throw new Error(`Expected requests to be sent, but there were none:\n${output.slice(-3000)}`);
    process.stdout.write(`\n${sent} requests after ${round} rounds\n`);
    if (own.length > 0) break;
  }
  process.exit(code);
}

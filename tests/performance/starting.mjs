// The product as a user starts it, for whatever measures it over HTTP.
import { spawn } from 'node:child_process';
import { freePort } from '../../deploy/local/kafka.mjs';
import { pinnedNode, root, standaloneCommand, standaloneEnv } from '../../deploy/local/setup.mjs';

const key = 'rl_bench_0123456789abcdef';

/** Starts `standalone` on a home: `{ url, key, pid, readyMs, get, post, stop, kill }`. */
export async function startStandalone(home, { env = {}, readyWithinMs = 60_000 } = {}) {
  const port = await freePort();
  const begun = performance.now();
  const child = spawn(pinnedNode(), standaloneCommand, {
    cwd: root,
    env: { ...standaloneEnv, RUNLOG_RATE_LIMIT: '0', ...env, PORT: String(port), RUNLOG_HOME: home, RUNLOG_ADMIN_KEY: key },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const gone = new Promise((done) => child.once('exit', done));
  const url = `http://127.0.0.1:${port}`;
  const isReady = () =>
    fetch(`${url}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isReady())) {
    if (child.exitCode !== null || performance.now() - begun > readyWithinMs) throw new Error('Expected standalone to become ready, but it did not');
    await new Promise((done) => setTimeout(done, 20));
  }
  const ask = async (method, path, body) => {
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 500)}`);
    return JSON.parse(text);
  };
  const end = (signal) => {
    child.kill(signal);
    return gone;
  };
  return {
    url,
    key,
    pid: child.pid,
    readyMs: Math.round(performance.now() - begun),
    get: (path) => ask('GET', path),
    post: (path, body) => ask('POST', path, body),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

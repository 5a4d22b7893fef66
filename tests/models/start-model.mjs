import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('./scripted-model.mjs', import.meta.url));

/** Starts a scripted model (scripted-model.mjs) on a free port of loopback; what scripts may say stands in script.mjs. */
export const startModel = async () => {
  const child = fork(program, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [], env: {} });
  const port = await new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`Expected the scripted model to start, but it ended with ${code}`)));
  });
  const url = `http://127.0.0.1:${port}`;
  const call = async (method, path, body) => {
    const response = await fetch(`${url}${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    if (!response.ok) throw new Error(`Expected '${method} ${path}' to be done, but it answered ${response.status}: ${await response.text()}`);
    return response.json();
  };
  const named = (kind, name) => `/${kind}/${encodeURIComponent(name)}`;
  return {
    url,
    port,
    pid: child.pid,
    baseUrl: (script) => (script === undefined ? `${url}/v1` : `${url}/s/${encodeURIComponent(script)}/v1`),
    script: (name, script) => call('POST', named('scripts', name), script),
    requests: (script, since = 0) => call('GET', `/requests?since=${since}${script === undefined ? '' : `&script=${encodeURIComponent(script)}`}`),
    counts: () => call('GET', '/counts'),
    forget: () => call('DELETE', '/requests'),
    open: (gate) => call('POST', named('gates', gate)),
    shut: (gate) => call('DELETE', named('gates', gate)),
    gates: () => call('GET', '/gates'),
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        child.once('exit', () => resolve());
        child.kill('SIGKILL');
      }),
  };
};

// From the model's first piece to the client: through Runlog (model, runner, Kafka, gateway, client, each a process) and through a bare proxy, in turns.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { inTurns, now, spread } from './talk.mjs';

const FIRST = 'FIRST';
const isFirst = (chunk) => chunk.includes(FIRST);

const startProxy = async (to) => {
  const child = fork(fileURLToPath(new URL('./proxy.mjs', import.meta.url)), [to]);
  const port = await new Promise((done) => child.once('message', done));
  return { url: `http://127.0.0.1:${port}`, stop: () => new Promise((done) => child.once('exit', done) && child.kill('SIGKILL')) };
};

/** When the client had the first piece, of a model call through the proxy. */
const throughProxy = async (proxy, script) => {
  const body = JSON.stringify({ model: 'scripted', stream: true, messages: [{ role: 'user', content: 'Go on.' }] });
  const response = await fetch(`${proxy.url}/s/${script}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  let first;
  for await (const chunk of response.body) if (isFirst(Buffer.from(chunk))) first ??= now();
  return first;
};

const throughRunlog = async (runlog, script) => {
  let first;
  const { ended } = runlog.listen(await runlog.begin(script), (chunk, heardAt) => {
    if (isFirst(chunk)) first ??= heardAt;
  });
  await ended;
  return first;
};

/** `{ alone: { runlog, proxy, beyond }, crowd: ... }`: milliseconds, p50 and p95, one at a time and twenty at a time. */
export const measureFirstFrame = async ({ runlog, model, rounds }) => {
  const proxy = await startProxy(model.url);
  /** Each has a script of its own, so that its request is found. The first piece comes when the stream is open, and not all at the same moment. */
  const prepare = async (kind, many) => {
    const names = Array.from({ length: many }, (_, nth) => `${kind}_${nth}`);
    for (const [nth, name] of names.entries())
      await model.script(name, { turns: [{ content: [`${FIRST} `, 'and ', 'more.'], first_token_ms: 800 + ((nth * 137) % 700), delay_ms: 20 }] });
    return names;
  };
  const delays = async (names, many, work) => {
    const heard = await inTurns(names, many, work);
    const sent = await Promise.all(names.map(async (name) => (await model.requests(name))[0].pieces.find(({ kind }) => kind === 'content').at));
    return heard.map((when, nth) => when - sent[nth]);
  };
  try {
    const results = {};
    for (const [kind, at_a_time] of Object.entries({ alone: 1, crowd: 20 })) {
      const many = rounds * (at_a_time > 1 ? 5 : 1);
      const names = await prepare(kind, many);
      const bare = await prepare(`${kind}_bare`, many);
      for (const name of names) await runlog.publish(model, name);
      const [ours, theirs] = [[], []];
      const share = Math.ceil(many / 5);
      for (let from = 0; from < many; from += share) {
        theirs.push(...(await delays(bare.slice(from, from + share), at_a_time, (name) => throughProxy(proxy, name))));
        ours.push(...(await delays(names.slice(from, from + share), at_a_time, (name) => throughRunlog(runlog, name))));
      }
      const [runlogMs, proxyMs] = [spread(ours), spread(theirs)];
      results[kind] = { streams: many, at_a_time, runlog_ms: runlogMs, proxy_ms: proxyMs, beyond_p95_ms: Math.round((runlogMs.p95 - proxyMs.p95) * 10) / 10 };
    }
    return results;
  } finally {
    await proxy.stop();
  }
};

// The load client: a process of its own, so that its work is not counted as Runlog's. Told what to do over IPC, answers with figures.
import { Pool } from 'undici';

const percentile = (sorted, p) => sorted[Math.min(sorted.length - 1, Math.ceil((p / 100) * sorted.length) - 1)] ?? null;

/** `{ p50, p95, p99, max, n }` of durations in milliseconds, rounded to 10 microseconds. */
const summary = (durations) => {
  const sorted = [...durations].sort((a, b) => a - b);
  const round = (x) => (x === null ? null : Math.round(x * 100) / 100);
  return {
    n: sorted.length,
    p50: round(percentile(sorted, 50)),
    p95: round(percentile(sorted, 95)),
    p99: round(percentile(sorted, 99)),
    max: round(sorted.at(-1) ?? null),
  };
};

/** Microseconds of the machine's monotonic clock, which the processes' marks are told in. */
const clock = () => Number(process.hrtime.bigint() / 1_000n);

let pool;
let headers;

async function call(method, path, body) {
  const response = await pool.request({
    method,
    path,
    headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.body.text();
  if (response.statusCode >= 400) throw new Error(`${method} ${path}: ${response.statusCode} ${text.slice(0, 500)}`);
  return { status: response.statusCode, body: text ? JSON.parse(text) : null };
}

/** Creates with waiting, `inFlight` at a time; fails on any execution that does not complete. `timed` tells when each one began and ended, `sample` gives so many of their ids. */
async function run({ workflow, path = `/api/v1/workflows/${workflow}/executions?wait=60`, count, inFlight, input = {}, timed = false, sample = 0 }) {
  const durations = [];
  const ids = [];
  const runs = [];
  let started = 0;
  const begin = performance.now();
  const lane = async () => {
    while (started < count) {
      started++;
      const t = performance.now();
      const startedAt = clock();
      const { body } = await call('POST', path, { input });
      if (timed) runs.push([body.id, startedAt, clock()]);
      durations.push(performance.now() - t);
      if (body.status !== 'completed') throw new Error(`Expected execution ${body.id} to complete, but it is ${body.status}: ${body.error}`);
      ids.push(body.id);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  const seconds = (performance.now() - begin) / 1000;
  return {
    latency_ms: summary(durations),
    per_second: Math.round((count / seconds) * 10) / 10,
    seconds: Math.round(seconds * 1000) / 1000,
    last: ids.at(-1),
    ...(timed && { runs }),
    ...(sample && { sample: Array.from({ length: sample }, () => ids[Math.floor(Math.random() * ids.length)]) }),
  };
}

/** The newest 50 by status, one at a time. */
async function list({ count, workflowId }) {
  const durations = [];
  for (let i = 0; i < count; i++) {
    const t = performance.now();
    const { body } = await call('GET', `/api/v1/executions?status=completed&limit=50${workflowId ? `&workflow_id=${workflowId}` : ''}`);
    durations.push(performance.now() - t);
    if (body.data.length !== 50) throw new Error(`Expected 50 executions, but got ${body.data.length}`);
  }
  return { latency_ms: summary(durations) };
}

/** The same request again and again on every connection: what the gateway serves at most, and how long each takes. */
async function requests({ method = 'GET', paths, body, count, inFlight = 64 }) {
  const durations = [];
  let started = 0;
  const begin = performance.now();
  const lane = async () => {
    while (started < count) {
      const path = paths[started++ % paths.length];
      const t = performance.now();
      await call(method, path, body);
      durations.push(performance.now() - t);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  const seconds = (performance.now() - begin) / 1000;
  return { latency_ms: summary(durations), per_second: Math.round(count / seconds) };
}

/** A peer's own list of its latest 50, one at a time. */
async function listOf({ count, method, url, path, body, rows }) {
  const own = new Pool(url, { connections: 1 });
  const durations = [];
  for (let i = 0; i < count; i++) {
    const t = performance.now();
    const response = await own.request({
      method,
      path,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
      },
      body: body && JSON.stringify(body),
    });
    const answer = await response.body.json();
    durations.push(performance.now() - t);
    if (answer[rows].length !== 50) throw new Error(`Expected 50 rows, but got ${answer[rows].length}`);
  }
  await own.close();
  return { latency_ms: summary(durations) };
}

/** Milliseconds until the list holds `count` completed executions of the workflow created since `since`. */
async function level({ workflowId, since, count }) {
  const begin = performance.now();
  for (;;) {
    const { body } = await call('GET', `/api/v1/executions?status=completed&workflow_id=${workflowId}&created_after=${encodeURIComponent(since)}&limit=1&page=1`);
    if (body.meta.total >= Math.min(count, 10_000)) return { ms: Math.round(performance.now() - begin) };
    if (performance.now() - begin > 60_000) throw new Error(`The read models hold ${body.meta.total} of ${count} executions after a minute`);
    await new Promise((done) => setTimeout(done, 5));
  }
}

const work = {
  run,
  list,
  listOf,
  requests,
  level,
  call: ({ method, path, body }) => call(method, path, body),
};

process.on('message', async ({ id, kind, options }) => {
  try {
    if (kind === 'connect') {
      pool = new Pool(options.url, {
        connections: options.connections ?? 64,
        pipelining: 1,
        keepAliveTimeout: 60_000,
        headersTimeout: 120_000,
        bodyTimeout: 120_000,
      });
      headers = { authorization: `Bearer ${options.key}` };
      process.send({ id, result: null });
    } else process.send({ id, result: await work[kind](options) });
  } catch (error) {
    process.send({ id, error: error.stack });
  }
});
process.on('disconnect', () => process.exit(0));

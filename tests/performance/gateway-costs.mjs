// What a gateway does for a request beside asking others: CPU per request of authentication, validation and serialisation, each measured by
// itself on the compiled code, in a process of its own so that nothing else warms or disturbs it.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { pinnedNode } from '../../deploy/local/setup.mjs';

const dist = (path) => new URL(`../../apps/gateway/dist/${path}`, import.meta.url).href;
const FOR_MS = 400;

/** Microseconds of CPU per call, after a warm-up of the same length. */
async function costOf(work) {
  const during = async (ms) => {
    const cpu = process.cpuUsage();
    let calls = 0;
    for (const end = performance.now() + ms; performance.now() < end; calls += 20) for (let i = 0; i < 20; i++) await work();
    const { user, system } = process.cpuUsage(cpu);
    return (user + system) / calls;
  };
  await during(FOR_MS);
  return Math.round((await during(FOR_MS)) * 10) / 10;
}

async function measureCosts() {
  await import('reflect-metadata');
  const { KeyRing } = await import(dist('auth/key-ring.js'));
  const { keyOf } = await import(dist('auth/key.guard.js'));
  const { RateLimit } = await import(dist('auth/rate-limit.js'));
  const { CreateExecutionBody } = await import(dist('executions/create.dto.js'));
  const { checkInput } = await import(dist('executions/creates.js'));
  const { executionExample } = await import(dist('openapi/examples.js'));
  const { readBody } = await import(dist('http/validation.js'));
  const key = 'rl_bench_0123456789abcdefghijklmnopqrstuvwxyz';
  const ring = new KeyRing({});
  ring.pin(key, { role: 'admin' });
  const rate = new RateLimit(1_000_000);
  const headers = { authorization: `Bearer ${key}` };
  const text = JSON.stringify({ input: { x: 1, customer: 'c1' }, metadata: { customer: 'c1', team: 'a' }, tags: ['march'] });
  const definition = { input_schema: { type: 'object', required: ['x'], properties: { x: { type: 'number' }, customer: { type: 'string' } } } };
  const list = { object: 'list', data: Array.from({ length: 50 }, () => executionExample), has_more: true, next_cursor: 'x', prev_cursor: null };
  return {
    auth_us: await costOf(async () => {
      const { keyHash } = await ring.principalOf(keyOf({ headers }));
      rate.take(keyHash);
    }),
    validation_us: await costOf(() => {
      const body = readBody(CreateExecutionBody, JSON.parse(text));
      checkInput(definition, body.input);
    }),
    serialisation_one_us: await costOf(() => JSON.stringify(executionExample)),
    serialisation_list_of_50_us: await costOf(() => JSON.stringify(list)),
  };
}

/** `{ auth_us, validation_us, serialisation_one_us, serialisation_list_of_50_us }`: microseconds of CPU each. */
export async function gatewayCosts() {
  const child = spawn(pinnedNode(), [fileURLToPath(import.meta.url)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  const code = await new Promise((done) => child.once('exit', done));
  if (code !== 0) throw new Error(`Expected the costs of a gateway to be measured, but that ended with ${code}`);
  return JSON.parse(text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(JSON.stringify(await measureCosts()));

// Loaded into every process of a system under `--profile` (node --import): SIGUSR2 begins a CPU profile, the next one ends it and writes its summary.
import { mkdirSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { join, sep } from 'node:path';

const folder = process.env.RUNLOG_PROFILE_TO;
const session = new Session();
let runs = false;

/** What ran, by place and by function, self time in ms. */
function summaryOf({ nodes, samples, timeDeltas }) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const functions = new Map();
  const places = new Map();
  samples.forEach((id, i) => {
    const { functionName, url, lineNumber } = byId.get(id).callFrame;
    if (url === 'node:inspector') return;
    const place = placeOf(url, functionName);
    const name = `${functionName || '(anonymous)'} ${url ? `${url.split(sep).slice(-2).join('/')}:${lineNumber + 1}` : ''}`.trim();
    const ms = timeDeltas[i] / 1_000;
    functions.set(name, (functions.get(name) ?? 0) + ms);
    places.set(place, (places.get(place) ?? 0) + ms);
  });
  const top = (map, count) => [...map].sort((a, b) => b[1] - a[1]).slice(0, count);
  const idle = places.get('(idle)') ?? 0;
  places.delete('(idle)');
  functions.delete('(idle)');
  return { busyMs: [...places.values()].reduce((a, b) => a + b, 0), idleMs: idle, places: top(places, 12), functions: top(functions, 15) };
}

/** A package, one of our own folders, or Node itself. */
function placeOf(url, functionName) {
  if (functionName === '(idle)' || functionName === '(garbage collector)' || functionName === '(program)') return functionName;
  const module = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url);
  if (module) return module[1];
  return /\/((?:apps|libs)\/[^/]+)\//.exec(url)?.[1] ?? 'node';
}

const post = (method, parameters) => new Promise((done, fail) => session.post(method, parameters, (error, result) => (error ? fail(error) : done(result))));

if (folder)
  process.on('SIGUSR2', async () => {
    runs = !runs;
    if (runs) {
      session.connect();
      await post('Profiler.enable');
      await post('Profiler.setSamplingInterval', { interval: 500 });
      await post('Profiler.start');
      return;
    }
    const { profile } = await post('Profiler.stop');
    session.disconnect();
    mkdirSync(folder, { recursive: true });
    const service = /apps\/([^/]+)\//.exec(process.argv[1])?.[1] ?? 'process';
    writeFileSync(join(folder, `${service}-${process.pid}.json`), JSON.stringify({ service, ...summaryOf(profile) }));
  });

// One gateway and many streams: memory for each that is open, then frames a second through it, with its CPU.
import { readFileSync } from 'node:fs';
import { watch } from '../footprint.mjs';
import { until } from '../until.mjs';
import { now, rounded } from './talk.mjs';

const TICKS = 100;
const PAGE = 4096;

/** CPU seconds of a process, and its resident bytes. */
export const costOf = (pid) => {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { cpu: (Number(fields[11]) + Number(fields[12])) / TICKS, bytes: Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE };
};

const framesIn = (chunk) => {
  let count = 0;
  for (let from = chunk.indexOf('event: content'); from >= 0; from = chunk.indexOf('event: content', from + 1)) count++;
  return count;
};

/** `{ streams, kb_per_stream, frames, frames_per_second, gateway_us_per_frame }` */
export const measureStreams = async ({ runlog, model, gateway, streams, executions, pieces }) => {
  const name = 'listened';
  const content = Array.from({ length: pieces }, (_, nth) => `piece ${nth} of what it says, `);
  await model.script(name, { record: 'counts', turns: [{ content, delay_ms: 10, gates: [{ name: 'all_listen', after: 0 }] }] });
  await runlog.publish(model, name);
  const ids = await Promise.all(Array.from({ length: executions }, () => runlog.begin(name)));
  await until('the models to be asked', async () => ((await model.gates()).all_listen?.waiting ?? 0) >= executions);
  const before = costOf(gateway);
  let frames = 0;
  let first;
  let last;
  const opened = [];
  for (let nth = 0; nth < streams; nth += 50) {
    const some = Array.from({ length: Math.min(50, streams - nth) }, (_, i) =>
      runlog.listen(ids[(nth + i) % ids.length], (chunk, heardAt) => {
        const count = framesIn(chunk);
        if (count === 0) return;
        frames += count;
        first ??= heardAt;
        last = heardAt;
      }),
    );
    await Promise.all(some.map((one) => one.opened));
    opened.push(...some);
  }
  await new Promise((done) => setTimeout(done, 2_000));
  const open = costOf(gateway);
  const watching = watch([process.pid]);
  await model.open('all_listen');
  const begun = now();
  await Promise.all(opened.map((one) => one.ended));
  const after = costOf(gateway);
  const { cpu_ms } = watching.stop(pieces * executions);
  return {
    streams,
    executions,
    kb_per_stream: rounded((open.bytes - before.bytes) / 1024 / streams),
    gateway_mb: { before: Math.round(before.bytes / 2 ** 20), open: Math.round(open.bytes / 2 ** 20), after: Math.round(after.bytes / 2 ** 20) },
    pieces: pieces * streams,
    frames,
    frames_per_second: Math.round((frames / (last - (first ?? begun))) * 1000),
    cpu_ms_per_piece: cpu_ms,
    gateway_us_per_frame: rounded(((after.cpu - open.cpu) / frames) * 1e6),
  };
};

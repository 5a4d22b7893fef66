// Where a run's time goes, hop by hop: a pass of W1 and W2 on a system whose processes mark what passes through their logs (RUNLOG_HOP_MARKS), after
// and apart from the measured ones. Follows each run back from its answer to its request, cause by cause.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ending = new Set(['ExecutionCompleted', 'ExecutionFailed', 'ExecutionCancelled', 'ExecutionRejected']);

/** Marks by execution, in order of time. */
export function marksIn(folder) {
  const byExecution = new Map();
  for (const name of readdirSync(folder))
    for (const line of readFileSync(join(folder, name), 'utf8').split('\n')) {
      if (!line) continue;
      const mark = JSON.parse(line);
      const marks = byExecution.get(mark.execution);
      if (marks) marks.push(mark);
      else byExecution.set(mark.execution, [mark]);
    }
  for (const marks of byExecution.values()) marks.sort((a, b) => a.at - b.at);
  return byExecution;
}

/** The critical path of one run as `[hop, milliseconds]` in order, or none when a mark is missing. */
export function pathOf(marks, { startedAt, endedAt }) {
  const hops = [];
  let until = endedAt;
  const back = (hop, to) => {
    if (to === undefined) throw new Error(hop);
    hops.unshift([hop, Math.max(0, until - to) / 1_000]);
    until = Math.min(until, to);
  };
  const find = (what, fits) => marks.find((mark) => mark.what === what && fits(mark));
  const lastBefore = (at, fits) => marks.findLast((mark) => mark.at <= at && fits(mark));
  const decided = (command) => {
    const by = (mark) => mark.command === command;
    back('decided -> events on the log', find('append', by)?.at);
    back('command taken -> decided', find('take', by)?.at);
    back('command sent -> taken', find('send', by)?.at);
    return find('send', by);
  };
  try {
    back('tail seen -> answer', find('tail', ({ type }) => ending.has(type))?.at);
    back('events on the log -> tail seen', Math.min(until, find('appended', ({ type }) => ending.has(type))?.at ?? until));
    for (let command = find('append', ({ type }) => ending.has(type))?.command; ; ) {
      let sent = decided(command);
      if (sent.type === 'CreateExecution') break;
      for (;;) {
        const cause = lastBefore(sent.at, ({ what, type, command: other }) => what === 'task' || (what === 'sent' && type === 'CompleteNode' && other !== sent.command));
        if (cause?.what !== 'sent') {
          back('task taken -> report sent (the node runs)', cause?.at);
          const scheduled = lastBefore(cause.at, ({ what, type, node }) => what === 'append' && type === 'NodeScheduled' && (!cause.node || node === cause.node));
          back('events on the log -> task taken', Math.min(until, find('appended', (mark) => mark.command === scheduled?.command)?.at ?? until));
          command = scheduled?.command;
          break;
        }
        back('report on the log -> next report sent (the runner runs ahead)', cause.at);
        sent = find('send', (mark) => mark.command === cause.command);
        back('report sent -> on the log', sent?.at);
      }
    }
    back('request -> command sent', startedAt);
    return hops;
  } catch {
    return undefined;
  }
}

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? 0;
const round = (ms) => Math.round(ms * 100) / 100;

/** `{ runs, followed, total_ms, hops: [{ hop, per_run, p50, p95, share }] }` for runs `[id, startedAt, endedAt]`, microseconds. */
export function hopsOf(byExecution, runs) {
  const all = new Map();
  let followed = 0;
  let total = 0;
  for (const [id, startedAt, endedAt] of runs) {
    const path = pathOf(byExecution.get(id) ?? [], { startedAt, endedAt });
    if (!path) continue;
    followed++;
    total += (endedAt - startedAt) / 1_000;
    for (const [hop, ms] of path) all.set(hop, [...(all.get(hop) ?? []), ms]);
  }
  const hops = [...all].map(([hop, list]) => {
    const sorted = list.toSorted((a, b) => a - b);
    const sum = list.reduce((a, b) => a + b, 0);
    return {
      hop,
      per_run: round(list.length / followed),
      p50: round(quantile(sorted, 0.5)),
      p95: round(quantile(sorted, 0.95)),
      per_run_ms: round(sum / followed),
      share: round((100 * sum) / total),
    };
  });
  return { runs: runs.length, followed, mean_ms: round(total / Math.max(1, followed)), hops };
}

/** As a table in Markdown. */
export const hopTable = (title, { runs, followed, mean_ms, hops }) =>
  [
    `**${title}**: ${mean_ms} ms a run (${followed} of ${runs} followed)`,
    '',
    '| hop | times a run | p50 ms | p95 ms | ms a run | share |',
    '|---|---|---|---|---|---|',
    ...hops.map((one) => `| ${one.hop} | ${one.per_run} | ${one.p50} | ${one.p95} | ${one.per_run_ms} | ${one.share} % |`),
    '',
  ].join('\n');

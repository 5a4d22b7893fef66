// What the figures of one run say against each other, and against what we aim at.

const targets = [
  ['standalone', 'W1', 'code', 'p50', 'dbos', 1, 'at most'],
  ['standalone', 'W2', 'code', 'per_second', 'restate', 2, 'at least'],
  ['standalone', 'W2', 'pure', 'per_second', 'restate', 8, 'at least'],
  ['standalone', 'W3', 'code', 'p50', 'restate', 0.4, 'at most'],
  ['cluster', 'W1', 'code', 'p50', 'restate', 1.5, 'at most'],
  ['cluster', 'W2', 'code', 'per_second', 'restate', 2, 'at least'],
  ['cluster', 'W2', 'pure', 'per_second', 'restate', 8, 'at least'],
  ['cluster', 'W3', 'code', 'p50', 'restate', 0.4, 'at most'],
];

const figure = (results, mode, workload, nodes, name) => {
  const row = results.find((one) => one.mode === mode && one.workload === workload && one.nodes === nodes);
  return row && (name === 'per_second' ? row.per_second : row.latency_ms[name]);
};

/** One line per target: the ratio measured, the ratio wanted, and whether it holds. */
export function printRatios(results) {
  process.stdout.write('\nratios in this run\n');
  for (const [mode, workload, nodes, name, peer, wanted, bound] of targets) {
    const ours = figure(results, mode, workload, nodes, name);
    const theirs = figure(results, peer, workload, 'code', name);
    if (ours === undefined || theirs === undefined) continue;
    const ratio = ours / theirs;
    const holds = bound === 'at most' ? ratio <= wanted : ratio >= wanted;
    process.stdout.write(`${holds ? 'holds ' : 'MISSED'}  ${mode} ${workload} ${nodes} ${name}: ${ratio.toFixed(2)} x ${peer}, wanted ${bound} ${wanted}\n`);
  }
  for (const { mode, nodes, level_ms } of results.filter((row) => row.level_ms !== undefined))
    process.stdout.write(`${level_ms <= 1_000 ? 'holds ' : 'MISSED'}  ${mode} W2 ${nodes}: read models level after ${level_ms} ms, wanted at most 1000\n`);
  for (const mode of ['standalone', 'cluster']) {
    const list = figure(results, mode, 'W4', 'code', 'p50');
    if (list !== undefined) process.stdout.write(`${list <= 5 ? 'holds ' : 'MISSED'}  ${mode} W4 p50: ${list} ms, wanted at most 5\n`);
  }
  const peak = Math.max(...results.filter((row) => row.mode === 'standalone' && row.peak_mb).map((row) => row.peak_mb));
  if (Number.isFinite(peak)) process.stdout.write(`${peak <= 450 ? 'holds ' : 'MISSED'}  standalone peak memory with its PostgreSQL: ${peak} MB, wanted at most 450\n`);
}

// Memory and CPU of process trees, from /proc: what a mode costs with everything it needs (its PostgreSQL and Kafka included).
import { readdirSync, readFileSync } from 'node:fs';

const ticksPerSecond = 100;
const pageBytes = 4096;

const stat = (pid) => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return {
      parent: Number(fields[1]),
      cpu: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
      group: Number(fields[2]),
    };
  } catch {
    return undefined;
  }
};

/** Proportional set size where the kernel tells it (shared pages counted once over all), else resident size. */
const memory = (pid) => {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) * 1024;
  } catch {
    try {
      return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * pageBytes;
    } catch {
      return 0;
    }
  }
};

/** The processes below (and including) the given ones. */
export const tree = (roots) => {
  const stats = readdirSync('/proc').flatMap((name) => {
    const one = /^\d+$/.test(name) ? stat(Number(name)) : undefined;
    return one ? [[Number(name), one]] : [];
  });
  const found = new Set(roots);
  for (let grew = true; grew; ) {
    grew = false;
    for (const [pid, { parent }] of stats) if (!found.has(pid) && found.has(parent)) grew = Boolean(found.add(pid));
  }
  return stats.filter(([pid]) => found.has(pid)).map(([pid, one]) => ({ pid, cpu: one.cpu }));
};

/** Samples until `stop()`, which gives `{ peak_mb, cpu_s }`. */
export const watch = (roots) => {
  const before = new Map(tree(roots).map(({ pid, cpu }) => [pid, cpu]));
  const last = new Map(before);
  let peak = 0;
  const sample = () => {
    let sum = 0;
    for (const { pid, cpu } of tree(roots)) {
      last.set(pid, cpu);
      sum += memory(pid);
    }
    peak = Math.max(peak, sum);
  };
  sample();
  const timer = setInterval(sample, 250);
  return {
    stop: () => {
      clearInterval(timer);
      sample();
      let cpu = 0;
      for (const [pid, seconds] of last) cpu += seconds - (before.get(pid) ?? 0);
      return {
        peak_mb: Math.round(peak / 2 ** 20),
        cpu_s: Math.round(cpu * 100) / 100,
      };
    },
  };
};

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

const titles = new Map();

/** What a process is: `standalone`, `runner` and so on, `sandbox`, `postgres`, `kafka`, or `other`. Asked once, while it lives. */
const roleOf = (pid) => {
  if (titles.has(pid)) return titles.get(pid);
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    if (command === '') return 'other';
    const role = /sandbox\/child\.[jt]s/.test(command)
      ? 'sandbox'
      : /^postgres|\/postgres /.test(command)
        ? 'postgres'
        : /kafka\.Kafka/.test(command)
          ? 'kafka'
          : (/apps\/(\w+)\/dist/.exec(command)?.[1] ?? 'other');
    titles.set(pid, role);
    return role;
  } catch {
    return 'other';
  }
};

const rounded = (sums, by, digits) => Object.fromEntries(Object.entries(sums).flatMap(([role, sum]) => (sum / by > 0 ? [[role, Number((sum / by).toFixed(digits))]] : [])));

/** The next sample waits this many times as long as the last one took: of dozens of processes it takes long, and halts each of them. */
const share = 50;
const leastPauseMs = 250;

/** Samples until `stop(runs)`, which gives `{ peak_mb, mb, cpu_s }`, and `cpu_ms`, per run and role of process, when it is told how many runs it watched. */
export const watch = (roots) => {
  const before = new Map(tree(roots).map(({ pid, cpu }) => [pid, cpu]));
  const last = new Map(before);
  const roles = new Map();
  let peak = 0;
  let peakBy = {};
  const sample = () => {
    let sum = 0;
    const by = {};
    for (const { pid, cpu } of tree(roots)) {
      last.set(pid, cpu);
      const bytes = memory(pid);
      const role = roleOf(pid);
      roles.set(pid, role);
      by[role] = (by[role] ?? 0) + bytes;
      sum += bytes;
    }
    if (sum > peak) [peak, peakBy] = [sum, by];
  };
  let timer;
  const keepSampling = () => {
    const begun = performance.now();
    sample();
    timer = setTimeout(keepSampling, Math.max(leastPauseMs, share * (performance.now() - begun)));
  };
  keepSampling();
  return {
    stop: (runs) => {
      clearTimeout(timer);
      sample();
      let cpu = 0;
      const cpuBy = {};
      for (const [pid, seconds] of last) {
        const used = seconds - (before.get(pid) ?? 0);
        const role = roles.get(pid) ?? 'other';
        cpu += used;
        cpuBy[role] = (cpuBy[role] ?? 0) + used * 1000;
      }
      return {
        peak_mb: Math.round(peak / 2 ** 20),
        mb: rounded(peakBy, 2 ** 20, 0),
        cpu_s: Math.round(cpu * 100) / 100,
        ...(runs ? { cpu_ms: rounded(cpuBy, runs, 2) } : {}),
      };
    },
  };
};

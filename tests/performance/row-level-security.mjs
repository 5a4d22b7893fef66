// What row-level security costs: the read side's own answers as role `runlog_tenant`, and as the services' user, for whom every row is visible.
// `node tests/performance/row-level-security.mjs [executions]`.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setUp } from '../../deploy/local/setup.mjs';
import { tree } from './footprint.mjs';

const BLOCKS = 20;
const IN_A_BLOCK = 50;

/** Nanoseconds that PostgreSQL's processes have run, as the kernel counts them. */
const servedNs = (postmaster) =>
  tree([postmaster]).reduce((sum, { pid }) => {
    try {
      return sum + Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]);
    } catch {
      return sum;
    }
  }, 0);

/**
 * Per question `{ with_us, without_us, ratio }`: CPU of asking and of answering it, microseconds. In turns, block by block, so that the ratio says
 * something on a busy machine, too. `filled`: as of filling.mjs.
 */
export async function securityCosts({ database, queries: { reads }, workspaceId, workflows, sample, postgresPid }) {
  const without = new reads.constructor({ ...reads.deps, database: { ...database, tenant: () => database } });
  const list = (more = {}) => ({ workspaceId, sort: 'created_at', descending: true, limit: 50, ...more });
  const questions = {
    'one execution by id': (of, id) => of.execution({ workspaceId, ref: id, nodes: false }),
    'one with its nodes': (of, id) => of.execution({ workspaceId, ref: id, nodes: true }),
    'its events': (of, id) => of.events({ workspaceId, executionId: id, after: 0, limit: 100 }),
    'the newest 50': (of) => of.executions(list()),
    '50 of a workflow': (of) => of.executions(list({ workflowId: workflows[3].workflow.id })),
    '50 of a status': (of) => of.executions(list({ statuses: ['failed'] })),
    '50 with a tag': (of) => of.executions(list({ tag: 't7' })),
  };
  const costs = {};
  for (const [name, ask] of Object.entries(questions)) {
    const spentUs = { with: 0, without: 0 };
    for (let block = -2; block < BLOCKS; block++) {
      const turns = [
        ['with', reads],
        ['without', without],
      ];
      for (const [which, of] of block % 2 ? turns : turns.reverse()) {
        const [own, served] = [process.cpuUsage(), servedNs(postgresPid)];
        for (let i = 0; i < IN_A_BLOCK; i++) await ask(of, sample[i % sample.length]);
        const { user, system } = process.cpuUsage(own);
        if (block >= 0) spentUs[which] += user + system + (servedNs(postgresPid) - served) / 1_000;
      }
    }
    const per = (us) => Math.round(us / (BLOCKS * IN_A_BLOCK));
    costs[name] = { with_us: per(spentUs.with), without_us: per(spentUs.without), ratio: Math.round((spentUs.with / spentUs.without) * 100) / 100 };
  }
  return costs;
}

/** The same on an installation of its own with so many executions. */
export async function measureSecurity(executions, say = () => undefined) {
  const { open } = await import('./filling.mjs');
  const home = await mkdtemp(join(tmpdir(), 'runlog-security-'));
  try {
    const filled = await open(home);
    try {
      await filled.fill(executions, say);
      return await securityCosts(filled);
    } finally {
      await filled.close();
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** A table for people. */
export const securityTable = (costs) =>
  [
    '| question | CPU under row-level security, µs | without, µs | ratio |',
    '|---|---|---|---|',
    ...Object.entries(costs).map(([name, { with_us, without_us, ratio }]) => `| ${name} | ${with_us} | ${without_us} | ${ratio} |`),
  ].join('\n');

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await setUp();
  process.stdout.write(`${securityTable(await measureSecurity(Number(process.argv[2] ?? 20_000), (line) => process.stderr.write(`${line}\n`)))}\n`);
}

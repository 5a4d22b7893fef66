// What row-level security costs: the read side's own answers as role `runlog_tenant`, and as the services' user, for whom every row is visible.
// In turns in one run, so that the ratio says something on a busy machine, too. `node tests/performance/row-level-security.mjs [executions]`.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setUp } from '../../deploy/local/setup.mjs';

const ROUNDS = 300;
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

/** Answers per name: `{ with_us, without_us, ratio }`, medians of what one question takes. `filled` as of filling.mjs. */
export async function securityCosts({ database, queries: { reads }, workspaceId, workflows, sample }) {
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
    const took = { with: [], without: [] };
    for (let round = -50; round < ROUNDS; round++)
      for (const [which, of] of round % 2
        ? [
            ['with', reads],
            ['without', without],
          ]
        : [
            ['without', without],
            ['with', reads],
          ]) {
        const t = performance.now();
        await ask(of, sample[(round + 50) % sample.length]);
        if (round >= 0) took[which].push((performance.now() - t) * 1_000);
      }
    const [secured, bare] = [median(took.with), median(took.without)];
    costs[name] = { with_us: Math.round(secured), without_us: Math.round(bare), ratio: Math.round((secured / bare) * 100) / 100 };
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
    '| question | under row-level security, µs | without, µs | ratio |',
    '|---|---|---|---|',
    ...Object.entries(costs).map(([name, { with_us, without_us, ratio }]) => `| ${name} | ${with_us} | ${without_us} | ${ratio} |`),
  ].join('\n');

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await setUp();
  process.stdout.write(`${securityTable(await measureSecurity(Number(process.argv[2] ?? 20_000), (line) => process.stderr.write(`${line}\n`)))}\n`);
}

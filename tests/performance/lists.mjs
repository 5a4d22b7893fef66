// `npm run bench:lists [executions]` (default 1,000,000): lists, filters and pages through the gateway of a full installation, and the plans of
// their statements. Filled through the log's port with real events and the real projection; `verify:data` holds afterwards (on one in a hundred where there are many).
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandLine } from '../../deploy/local/command-line.mjs';
import { pinnedNode, root, setUp } from '../../deploy/local/setup.mjs';

const { executions, home: kept } = commandLine({
  usage: 'npm run bench:lists [-- <executions, 1000000>] [--home <folder>]: lists, filters and pages beside so many; what is filled in a folder is kept for the next run',
  positionals: { executions: 1_000_000 },
  values: { home: '' },
});
await setUp();
const { open } = await import('./filling.mjs');
const { securityCosts, securityTable } = await import('./row-level-security.mjs');
const { startStandalone } = await import('./starting.mjs');
const { isSearched, pageStatement, searchStatements } = await import('../../apps/queries/dist/reads/execution-list.js');
const { byIndex, MOST_SORTED } = await import('../../apps/queries/dist/reads/found-ids.js');

const pages = Math.min(10_000, Math.floor(executions / 50) - 20);
const say = (line) => process.stderr.write(`${line}\n`);
const home = kept === '' ? await mkdtemp(join(tmpdir(), 'runlog-lists-')) : resolve(kept);
const round = (ms) => Math.round(ms * 10) / 10;
const quantile = (list, q) => round([...list].sort((a, b) => a - b)[Math.floor((list.length - 1) * q)]);
const figures = (list) => ({ n: list.length, p50_ms: quantile(list, 0.5), p95_ms: quantile(list, 0.95), max_ms: quantile(list, 1) });

/** Parameters of a list, and the same as the read side's filter. */
const cases = (workflowId) => [
  ['newest', {}, {}],
  ['status', { status: 'completed' }, { statuses: ['completed'] }],
  ['rare status', { status: 'running' }, { statuses: ['running'] }],
  ['status nobody has', { status: 'rejected' }, { statuses: ['rejected'] }],
  ['two statuses', { status: ['failed', 'cancelled'] }, { statuses: ['failed', 'cancelled'] }],
  ['workflow', { workflow_id: workflowId }, { workflowId }],
  ['workflow and status', { workflow_id: workflowId, status: 'failed' }, { workflowId, statuses: ['failed'] }],
  ['user', { user_id: 'user_7' }, { userId: 'user_7' }],
  ['user and rare status', { user_id: 'user_7', status: 'rejected' }, { userId: 'user_7', statuses: ['rejected'] }],
  ['session', { session_id: 'session_9' }, { sessionId: 'session_9' }],
  ['tag', { tag: 't7' }, { tag: 't7' }],
  ['metadata', { 'metadata[customer]': 'c77' }, { metadata: { customer: 'c77' } }],
  ['metadata, half of all', { 'metadata[region]': 'eu' }, { metadata: { region: 'eu' } }],
  ['text', { q: 'bench_77' }, { q: 'bench_77' }],
  ['longest', { sort: '-duration_ms' }, { sort: 'duration_ms' }],
  ['oldest', { sort: 'created_at' }, { descending: false }],
];

const plansOf = async (filled) => {
  const plans = {};
  for (const [name, , filter] of cases(filled.workflows[3].workflow.id)) {
    const asked = { workspaceId: filled.workspaceId, sort: 'created_at', descending: true, limit: 50, ...filter };
    const statements = isSearched(asked)
      ? Object.entries(searchStatements(asked, MOST_SORTED)).map(([which, statement]) => [`${name}, ${which}`, filled.database, statement])
      : [[name, filled.database.tenant(filled.workspaceId), pageStatement(asked)]];
    for (const [title, sql, { text, values }] of statements) {
      const explained = { text: `explain (analyze, buffers, costs off, summary on) ${text}`, values };
      const rows = await (title.endsWith(', all') ? filled.database.transaction((one) => byIndex(one, explained)) : sql.query(explained.text, [...values]));
      plans[title] = rows.map((row) => row['QUERY PLAN']);
    }
  }
  return plans;
};

/** The time of `times` answers to a list. */
const timed = async (system, parameters, times = 30) => {
  const query = new URLSearchParams(Object.entries(parameters).flatMap(([name, value]) => [value].flat().map((one) => [name, one])));
  const took = [];
  for (let i = 0; i < times; i++) {
    const t = performance.now();
    await system.get(`/api/v1/executions?limit=50&${query}`);
    took.push(performance.now() - t);
  }
  return figures(took);
};

/** From the newest page on by cursor; the pages near the first and near the last one, each execution seen once. */
const walk = async (system) => {
  const took = [];
  const seen = new Set();
  let next = '';
  for (let page = 0; page < pages; page++) {
    const t = performance.now();
    const body = await system.get(`/api/v1/executions?limit=50${next}`);
    took.push(performance.now() - t);
    for (const { id } of body.data) seen.add(id);
    if (page % 1_000 === 999) say(`page ${page + 1}`);
    next = `&after=${encodeURIComponent(body.next_cursor)}`;
  }
  if (seen.size !== pages * 50) throw new Error(`Expected ${pages * 50} executions over all pages, but saw ${seen.size}`);
  return { pages, first_200: figures(took.slice(0, 200)), last_200: figures(took.slice(-200)) };
};

const verified = (url) =>
  new Promise((done) => {
    const child = spawn(pinnedNode(), [join(root, 'apps/queries/dist/verify-main.js'), '--one-in', executions > 100_000 ? '100' : '1'], {
      env: { ...process.env, DATABASE_URL: url, KAFKA_BROKERS: '' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (chunk) => (text += chunk));
    child.on('close', (code) => done({ code, last: text.trimEnd().split('\n').at(-1) }));
  });

try {
  let t = performance.now();
  const filled = await open(home);
  await filled.fill(executions, say);
  const fillSeconds = round((performance.now() - t) / 1_000);
  const plans = await plansOf(filled);
  const security = await securityCosts(filled);
  say(securityTable(security));
  t = performance.now();
  const verify = await verified(filled.url);
  const verifySeconds = round((performance.now() - t) / 1_000);
  const workflowId = filled.workflows[3].workflow.id;
  await filled.close();
  say(`filled in ${fillSeconds} s; ${verify.last}; starting the product on it ...`);
  const system = await startStandalone(home, { readyWithinMs: 1_200_000 });
  const lists = {};
  try {
    for (const [name, parameters] of cases(workflowId)) {
      lists[name] = await timed(system, parameters);
      say(`${name}: ${JSON.stringify(lists[name])}`);
    }
    const result = { executions, fill_s: fillSeconds, verify: verify.last, verify_s: verifySeconds, security, ready_ms: system.readyMs, lists, walk: await walk(system), plans };
    process.stdout.write(`${JSON.stringify({ ...result, plans: undefined }, null, 2)}\n`);
    const folder = fileURLToPath(new URL('./results', import.meta.url));
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `lists-${executions}.json`);
    writeFileSync(file, JSON.stringify(result, null, 2));
    say(`with the plans: ${file}`);
  } finally {
    await system.stop();
  }
  process.exitCode = verify.code === 0 ? 0 : 1;
} finally {
  if (kept === '') await rm(home, { recursive: true, force: true });
}

// `npm test [pattern]`: set-up, the build, types, then every test on a real PostgreSQL and a real Apache Kafka.
// Uses DATABASE_URL and KAFKA_BROKERS where they are set, else starts both on free ports with data of their own, and stops them.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pinnedNode, root, setUp } from './setup.mjs';

await setUp();
const args = process.argv.slice(2);
const unitOnly = args.includes('--unit');
const patterns = args.filter((arg) => arg !== '--unit');

const data = await mkdtemp(join(tmpdir(), 'runlog-test-'));
const undo = [() => rm(data, { recursive: true, force: true })];
const env = { ...process.env };
let ending;
const finish = (code) => {
  ending ??= (async () => {
    for (const step of undo.reverse()) await step().catch((error) => process.stderr.write(`${error.stack}\n`));
    process.exit(code);
  })();
  return ending;
};
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => finish(130));

const run = (command, commandArgs, options = {}) =>
  new Promise((done) => {
    const child = spawn(command, commandArgs, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'], ...options });
    undo.push(async () => child.exitCode ?? child.kill());
    child.on('exit', (code) => done(code ?? 1));
  });

try {
  if (!unitOnly && !env.DATABASE_URL) {
    const { startEmbeddedPostgres } = await import('../../libs/platform/dist/index.js');
    const postgres = await startEmbeddedPostgres({ dataFolder: join(data, 'postgres'), durable: false });
    undo.push(() => postgres.stop());
    env.DATABASE_URL = postgres.connectionString;
  }
  if (!unitOnly && !env.KAFKA_BROKERS) {
    const { startKafka } = await import('./kafka.mjs');
    const kafka = await startKafka({ dataDir: join(data, 'kafka') });
    undo.push(() => kafka.stop());
    env.KAFKA_BROKERS = kafka.brokers;
  }
  const types = await run(pinnedNode(), ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.base.json']);
  const only = unitOnly ? ['--testPathPatterns', 'unit\\.spec'] : patterns;
  const jest = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js', '-c', 'tests/jest.config.mjs', '--maxWorkers=2', ...only];
  if (env.RUNLOG_TEST_REPORT) jest.push('--json', `--outputFile=${env.RUNLOG_TEST_REPORT}`);
  const tests = await run(pinnedNode(), jest);
  if (types !== 0) process.stderr.write('The types do not hold: see the errors above.\n');
  await finish(types || tests);
} catch (error) {
  process.stderr.write(`${error.stack}\n`);
  await finish(1);
}

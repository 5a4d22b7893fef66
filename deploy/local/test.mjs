// `npm test [pattern ...]`: set-up, the build, types, then every test on a real PostgreSQL and a real Apache Kafka. `--unit`: only the pure ones.
// Specs start their own servers on free ports with data of their own; where DATABASE_URL and KAFKA_BROKERS are set, those that need no
// restarts use them.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensureKafkaJars } from './kafka.mjs';
import { pinnedNode, root, setUp } from './setup.mjs';

await setUp();
const args = process.argv.slice(2);
const unitOnly = args.includes('--unit');
const patterns = args.filter((arg) => arg !== '--unit');
const report = process.env.RUNLOG_TEST_REPORT;

let child;
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child?.kill(signal));

const run = (commandArgs) =>
  new Promise((done) => {
    child = spawn(pinnedNode(), commandArgs, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    child.on('exit', (code) => done(code ?? 130));
  });

const jest = (name, ...options) => {
  const output = report ? ['--json', `--outputFile=${join(report, `${name}.json`)}`] : [];
  return run([
    '--experimental-vm-modules',
    '--no-warnings',
    'node_modules/jest/bin/jest.js',
    '-c',
    'tests/jest.config.mjs',
    '--passWithNoTests',
    ...options,
    ...output,
    ...(patterns.length > 0 ? ['--testPathPatterns', ...patterns] : []),
  ]);
};

if (!unitOnly && !process.env.KAFKA_BROKERS) await ensureKafkaJars();
const types = await run(['node_modules/typescript/bin/tsc', '-p', 'tsconfig.base.json']);
if (types !== 0) process.stderr.write('The types do not hold: see the errors above.\n');
// Journeys and storms start whole clusters and kill processes: one at a time.
const pure = await jest('unit-and-integration', '--maxWorkers=2', '--testPathIgnorePatterns', unitOnly ? '(int|e2e)\\.spec' : 'e2e\\.spec', '/node_modules/', '/dist/');
const journeys = unitOnly || pure === 130 ? 0 : await jest('journeys', '--runInBand', '--testPathIgnorePatterns', '(unit|int)\\.spec', '/node_modules/', '/dist/');
process.exit(types || pure || journeys);

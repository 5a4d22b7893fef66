import { join } from 'node:path';
import { createPlatform, nestLogger, readConfigOrExit } from '@runlog/platform';
import { banner } from './banner.js';
import { prepareHome } from './home.js';
import { requireFreePort } from './public-port.js';
import { startStandalone } from './standalone.js';

const begun = performance.now();
const home = process.env.RUNLOG_HOME || '.runlog';
// A connection more is a PostgreSQL process of 10 MB more, and one Node process keeps no more than these busy. Nor would more partitions share its work: each is a write of its own.
const config = readConfigOrExit(process.env, { RUNLOG_RATE_LIMIT: '0', RUNLOG_DATABASE_POOL: '4', RUNLOG_PARTITIONS: '1', RUNLOG_LOG_FILE: join(home, 'logs/runlog.log') });
try {
  prepareHome(config.home);
  await requireFreePort(config);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(78);
}
const platform = createPlatform('standalone', config);
// The launcher that `npm start` runs keeps a channel open: when it goes, whatever the way, this process goes down too.
if (process.channel) process.once('disconnect', () => void platform.shutdown.run('the launcher ended'));

try {
  const running = await startStandalone(platform, nestLogger(platform.logger));
  process.stdout.write(banner({ ...running, home: config.home, seconds: (performance.now() - begun) / 1000 }));
} catch (error) {
  platform.logger.fatal({ err: error }, 'could not start');
  process.stderr.write(`Runlog could not start: ${error instanceof Error ? error.message : String(error)}\nMore in ${config.logFile}\n`);
  await platform.shutdown.run('could not start', 1);
}

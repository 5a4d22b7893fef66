import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Backbone, connectBackbone, connectionStringOf, createPlatform, type Logger, readConfigOrExit } from '@runlog/platform';

/** What a command that works on the read models and then ends has. */
export interface OneOff extends Backbone {
  readonly databaseUrl: string;
  readonly logger: Logger;
}

/** The options of the command line by name. Ends the process with the usage: 0 for `--help`, 2 for anything that is not among them. */
export const optionsOrExit = (usage: string, names: readonly string[] = []): { readonly [name: string]: string | undefined } => {
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  try {
    const { help, ...given } = parseArgs({ args: process.argv.slice(2), options: { ...options, help: { type: 'boolean', short: 'h' } } }).values;
    if (!help) return given as { readonly [name: string]: string | undefined };
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error), usage);
  }
  process.stdout.write(`${usage}\n`);
  return process.exit(0);
};

/** Ends the process with 2: so it cannot be called. */
export const refuse = (because: string, usage: string): never => {
  process.stderr.write(`${because}\n${usage}\n`);
  return process.exit(2);
};

/**
 * Runs a command against the database of `DATABASE_URL`, or of the Runlog that runs on `RUNLOG_HOME`, and ends the process with the code that
 * it gives; 1 when it rejects. Its output is for people; log lines go to standard error from `warn` on.
 */
export const runOneOff = async (name: string, work: (given: OneOff) => Promise<number>): Promise<void> => {
  const config = readConfigOrExit(process.env, { LOG_LEVEL: 'warn' });
  const platform = createPlatform(name, config);
  const { logger, shutdown } = platform;
  if (process.channel) process.once('disconnect', () => void shutdown.run('the launcher ended', 1));
  try {
    const databaseUrl = config.databaseUrl ?? (await connectionStringOf(join(config.home, 'postgres')));
    if (!databaseUrl) throw new Error(`Expected DATABASE_URL, or a Runlog at work on '${config.home}', but there is neither; start it with npm start`);
    const code = await work({ ...(await connectBackbone(platform, databaseUrl)), databaseUrl, logger });
    await shutdown.run('done', code);
  } catch (cause) {
    process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n`);
    await shutdown.run('failed', 1);
  }
};

/** A function that prints a line, at most one every two seconds unless it is told to print this one. */
export const printer = (): ((line: string, always?: boolean) => void) => {
  let last = 0;
  return (line, always = false) => {
    if (!always && performance.now() - last < 2_000) return;
    last = performance.now();
    process.stdout.write(`${line}\n`);
  };
};

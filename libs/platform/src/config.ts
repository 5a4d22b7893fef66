import { join, resolve } from 'node:path';
import { pricesFile } from './prices-file.js';
import { Unusable } from './unusable.js';

/** A host and a port, as in `10.0.0.7:4101`. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Settings that cannot be used; `problems` names each variable and what was expected of it. */
export class ConfigInvalid extends Error {
  constructor(readonly problems: readonly { readonly variable: string; readonly detail: string }[]) {
    super(`Expected usable settings, but ${problems.length} cannot be used:\n${problems.map(({ variable, detail }) => `  ${variable}: ${detail}`).join('\n')}`);
  }
}

/** What one variable says, undefined where it is unset. @throws Unusable */
type Reading<Value> = (text: string | undefined) => Value;

const either =
  <Value, Fallback>(read: (text: string) => Value, fallback: Fallback): Reading<Value | Fallback> =>
  (text) =>
    text === undefined ? fallback : read(text);
const optional = <Value>(read: (text: string) => Value): Reading<Value | undefined> => either(read, undefined);

const must = (holds: boolean, detail: string): void => {
  if (!holds) throw new Unusable([detail]);
};

const whole = (fallback: number, least: number, most: number): Reading<number> =>
  either((text) => {
    must(/^\d+$/.test(text), `expected a whole number from ${least} to ${most}`);
    must(Number(text) >= least, `expected at least ${least}`);
    must(Number(text) <= most, `expected at most ${most}`);
    return Number(text);
  }, fallback);

const port = (fallback: number) => whole(fallback, 0, 65535);

const text = (fallback: string): Reading<string> => either((given) => given, fallback);

const like = (pattern: RegExp, detail: string) => (given: string) => {
  must(pattern.test(given), detail);
  return given;
};

const oneOf = <Word extends string>(fallback: NoInfer<Word>, ...words: readonly Word[]): Reading<Word> =>
  either((given) => {
    must((words as readonly string[]).includes(given), `expected one of ${words.join(', ')}`);
    return given as Word;
  }, fallback);

const items = (given: string): string[] => given.split(',').flatMap((item) => item.trim() || []);
const list: Reading<string[]> = either(items, []);

const url =
  (...protocols: string[]) =>
  (given: string): string => {
    must(URL.canParse(given) && protocols.includes(new URL(given).protocol), `expected a URL that begins with ${protocols.map((p) => `${p}//`).join(' or ')}`);
    return given;
  };

const addresses: Reading<Address[]> = either((given) => {
  const found = items(given).map((item) => ({ item, match: /^(.+):(\d{1,5})$/.exec(item) }));
  const wrong = found.filter(({ match }) => !match || Number(match[2]) > 65535);
  if (wrong.length > 0) throw new Unusable(wrong.map(({ item }) => `expected a comma list of host:port, but got '${item}'`));
  return found.flatMap(({ match }) => (match ? { host: match[1] as string, port: Number(match[2]) } : []));
}, []);

const secretKey = (given: string): Buffer => {
  const bytes = /^[0-9a-f]{64}$/i.test(given) ? Buffer.from(given, 'hex') : Buffer.from(given, 'base64');
  must(bytes.length === 32, 'expected 32 bytes, in hex or base64');
  return bytes;
};

const path = (given: string): string => resolve(given);

const variables = {
  /** Of the public API. */
  PORT: port(4000),
  RUNLOG_HOST: text('127.0.0.1'),
  RUNLOG_HOME: either(path, resolve('.runlog')),
  RUNLOG_ADMIN_KEY: optional(like(/^[!-~]+$/, 'expected characters that fit an HTTP header: no space, ASCII')),
  DATABASE_URL: optional(url('postgres:', 'postgresql:')),
  // The two collectors hold one while they use another, and one is for readers of other processes: fewer could wait for themselves.
  RUNLOG_DATABASE_POOL: whole(8, 4, 200),
  KAFKA_BROKERS: addresses,
  RUNLOG_INSTANCE: optional(like(/^[A-Za-z0-9._-]{1,100}$/, 'expected 1 to 100 letters, digits, dots, dashes and underscores')),
  RUNLOG_PARTITIONS: whole(4, 1, 256),
  RUNLOG_EGRESS_ALLOW: list,
  RUNLOG_MCP_SERVERS: optional(path),
  RUNLOG_SECRET_KEY: optional(secretKey),
  RUNLOG_PUBLIC_URL: optional((given) => url('http:', 'https:')(given).replace(/\/+$/, '')),
  RUNLOG_RATE_LIMIT: whole(500, 0, 1_000_000),
  RUNLOG_SSE_LIMIT: whole(2000, 0, 1_000_000),
  RUNLOG_SSE_MAX_SECONDS: whole(600, 1, 86_400),
  RUNLOG_FRAMES_KEPT_SECONDS: whole(3_600, 1, 31_536_000),
  RUNLOG_BODY_LIMIT: whole(16 * 1024 * 1024, 1024 * 1024, 256 * 1024 * 1024),
  RUNLOG_ANSWER_LIMIT: whole(16 * 1024 * 1024, 64 * 1024, 256 * 1024 * 1024),
  RUNLOG_ARTIFACTS: optional(path),
  RUNLOG_ARTIFACT_LIMIT: whole(64 * 1024 * 1024, 1024 * 1024, 256 * 1024 * 1024),
  RUNLOG_ARTIFACT_GRACE_SECONDS: whole(86_400, 1, 31_536_000),
  RUNLOG_QUERIES_PORT: port(4100),
  RUNLOG_QUERIES_URLS: addresses,
  RUNLOG_HEALTH_PORT: port(0),
  RUNLOG_PRICES: optional(pricesFile),
  RUNLOG_RUNNER_SLOTS: whole(64, 1, 10_000),
  RUNLOG_LEGS: whole(20, 0, 100),
  RUNLOG_HEARTBEAT_TIMEOUT_MS: whole(5000, 500, 600_000),
  RUNLOG_TRACE_CONTENT: oneOf('false', 'true', 'false'),
  OTEL_EXPORTER_OTLP_ENDPOINT: optional(url('http:', 'https:')),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: optional(url('http:', 'https:')),
  OTEL_TRACES_EXPORTER: text('otlp'),
  OTEL_SDK_DISABLED: text('false'),
  OTEL_SERVICE_NAME: optional((given) => given),
  LOG_LEVEL: oneOf('info', 'trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
  RUNLOG_LOG_FILE: optional(path),
};

type Variable = keyof typeof variables;
type Read = { readonly [Name in Variable]: ReturnType<(typeof variables)[Name]> };

/** Names of all variables that Runlog reads, for docs and for spotting misspelt ones. */
export const settingNames = Object.keys(variables) as readonly Variable[];

/** Where OTLP/HTTP takes traces: the signal's own address as it is, the general one with the path that belongs to it. */
const tracesUrlOf = (read: Read): string | undefined => {
  if (read.OTEL_SDK_DISABLED.toLowerCase() === 'true' || read.OTEL_TRACES_EXPORTER.toLowerCase() === 'none') return undefined;
  const { OTEL_EXPORTER_OTLP_ENDPOINT: general, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own } = read;
  return own ?? (general === undefined ? undefined : `${general.replace(/\/+$/, '')}/v1/traces`);
};

const configOf = (read: Read, isChosen: (name: Variable) => boolean) => ({
  /** The public API's port; 0 takes a free one. */
  port: read.PORT,
  /** The address that every port of this process is bound to. */
  host: read.RUNLOG_HOST,
  /** Absolute path of the folder for data, keys and logs of one machine. */
  home: read.RUNLOG_HOME,
  adminKey: read.RUNLOG_ADMIN_KEY,
  /** Absent: embedded PostgreSQL. */
  databaseUrl: read.DATABASE_URL,
  databasePool: read.RUNLOG_DATABASE_POOL,
  /** `host:port` each; empty: the log lives in PostgreSQL. */
  kafkaBrokers: read.KAFKA_BROKERS.map(({ host, port }) => `${host}:${port}`),
  /** A name that this process keeps over restarts and shares with no other living one. */
  instance: read.RUNLOG_INSTANCE,
  /** Fixed when the topics are created. */
  partitions: { executions: read.RUNLOG_PARTITIONS, tasks: read.RUNLOG_PARTITIONS * 2, instances: Math.min(4, read.RUNLOG_PARTITIONS), one: 1 },
  /** Nobody chose their number: it is that of the topics that exist, if there are any. */
  adoptsPartitions: !isChosen('RUNLOG_PARTITIONS'),
  /** Private addresses that nodes may reach: hosts, `host:port` or CIDR ranges. */
  egressAllow: read.RUNLOG_EGRESS_ALLOW,
  /** Path of the file that names the MCP servers that runners may start; absent: none. */
  mcpServers: read.RUNLOG_MCP_SERVERS,
  /** 32 bytes; absent: a key made in `home`. */
  secretKey: read.RUNLOG_SECRET_KEY,
  /** Without a slash at the end; absent: taken from the Host header. */
  publicUrl: read.RUNLOG_PUBLIC_URL,
  /** Requests per second and key; 0: no limit. */
  rateLimit: read.RUNLOG_RATE_LIMIT,
  /** Open streams per key; 0: no limit. */
  sseLimit: read.RUNLOG_SSE_LIMIT,
  sseMaxSeconds: read.RUNLOG_SSE_MAX_SECONDS,
  /** Bytes of the body of a request that may carry an input or an answer. */
  bodyLimitBytes: read.RUNLOG_BODY_LIMIT,
  /** An answer about one execution holds stored bodies of so many bytes together; what is above that is referred to. */
  answerLimitBytes: read.RUNLOG_ANSWER_LIMIT,
  /** Folder of bodies that are too large for events; in a cluster one that all services share. */
  artifacts: read.RUNLOG_ARTIFACTS ?? join(read.RUNLOG_HOME, 'artifacts'),
  /** Bytes of one such body. */
  artifactLimitBytes: read.RUNLOG_ARTIFACT_LIMIT,
  /** A body that nothing refers to is kept this long. */
  artifactGraceMs: read.RUNLOG_ARTIFACT_GRACE_SECONDS * 1000,
  /** What agents say as they say it is kept this long after the end of their execution. */
  framesKeptMs: read.RUNLOG_FRAMES_KEPT_SECONDS * 1000,
  /** Where `queries` listens. */
  queriesPort: read.RUNLOG_QUERIES_PORT,
  /** Where a gateway finds `queries`. */
  queriesUrls: read.RUNLOG_QUERIES_URLS as readonly Address[],
  /** Of `/health/*` and `/metrics` of a service without a public port; 0 takes a free one. */
  healthPort: read.RUNLOG_HEALTH_PORT,
  /** Prices of models that win over the price list's, in USD per million tokens. */
  prices: read.RUNLOG_PRICES ?? [],
  runnerSlots: read.RUNLOG_RUNNER_SLOTS,
  /** Nodes that a runner may go on with after the first one of a task, at most; 0: none. */
  legs: read.RUNLOG_LEGS,
  heartbeatTimeoutMs: read.RUNLOG_HEARTBEAT_TIMEOUT_MS,
  traces: {
    /** Where spans are exported to; absent: nowhere. */
    url: tracesUrlOf(read),
    /** Prompts, answers, inputs and outputs are in spans. */
    withContent: read.RUNLOG_TRACE_CONTENT === 'true',
    /** Absent: each service has its own. */
    serviceName: read.OTEL_SERVICE_NAME,
  },
  logLevel: read.LOG_LEVEL,
  /** Absent: standard error. */
  logFile: read.RUNLOG_LOG_FILE,
});

/** Every setting of every service, typed and checked once at boot. */
export type Config = Readonly<ReturnType<typeof configOf>>;

/**
 * Reads the settings from environment variables; an empty variable counts as unset. `defaults` are the caller's own, written as variables.
 * Throws `ConfigInvalid` with all problems at once.
 */
export const readConfig = (env: NodeJS.ProcessEnv, defaults: Partial<Record<Variable, string>> = {}): Config => {
  const problems: { variable: string; detail: string }[] = [];
  const read = (variable: Variable): unknown => {
    try {
      return variables[variable](env[variable] || defaults[variable]);
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      problems.push(...error.details.map((detail) => ({ variable, detail })));
    }
  };
  const values = Object.fromEntries(settingNames.map((name) => [name, read(name)])) as Read;
  if (problems.length > 0) throw new ConfigInvalid(problems);
  return configOf(values, (name) => Boolean(env[name]));
};

/** As `readConfig`, but prints the list of problems and ends the process with status 78 (configuration error). */
export const readConfigOrExit = (env: NodeJS.ProcessEnv, defaults: Partial<Record<Variable, string>> = {}): Config => {
  try {
    return readConfig(env, defaults);
  } catch (error) {
    if (!(error instanceof ConfigInvalid)) throw error;
    process.stderr.write(`${error.message}\n`);
    return process.exit(78);
  }
};

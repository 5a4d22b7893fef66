// `npm run cluster [-- --processes 2]`: a real Apache Kafka, a real PostgreSQL and a process per service on this machine; two of each that can be
// doubled where there are cores for them.
// Tests, storms and benchmarks use `startCluster` to kill and restart single processes.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandLine } from './command-line.mjs';
import { freePort, startKafka } from './kafka.mjs';
import { pinnedNode, root, runPinned, setUp } from './setup.mjs';

/** Each process more reads and wakes for the same records: on fewer than four cores a second one of a service has none to itself. */
const processesHere = () => (availableParallelism() < 4 ? 1 : 2);
/** Each partition has appends, projections and a place in every fetch of its own; twice as many as processes are room to grow. */
const partitionsFor = (processes) => (processes === 1 ? 1 : 2 * processes);

const readyWithin = 180_000;

const isReady = (port) =>
  fetch(`http://127.0.0.1:${port}/health/ready`, {
    signal: AbortSignal.timeout(2_000),
  }).then(
    ({ ok }) => ok,
    () => false,
  );

/** One process of the cluster; `kill` takes any signal, `restart` starts it anew with the same ports. */
class Member {
  constructor(service, index, env, folder) {
    Object.assign(this, {
      service,
      index,
      env,
      name: `${service}-${index + 1}`,
      restarts: 0,
    });
    this.logFile = join(folder, `${this.name}.log`);
  }

  start() {
    const out = openSync(this.logFile, 'a');
    this.child = spawn(pinnedNode(), ['--enable-source-maps', join(root, `apps/${this.service}/dist/main.js`)], {
      cwd: root,
      env: { ...process.env, ...this.env },
      // The channel says that this process lives; a group of its own keeps a terminal's Ctrl-C for the launcher, which stops all in order.
      stdio: ['ignore', out, out, 'ipc'],
      detached: true,
    });
    closeSync(out);
    this.exited = new Promise((done) => this.child.once('exit', (code, signal) => done(code ?? signal)));
    return this;
  }

  get pid() {
    return this.child.pid;
  }

  get healthPort() {
    return Number(this.env.RUNLOG_HEALTH_PORT ?? this.env.PORT);
  }

  /** Resolves when the process says it is ready; rejects with the end of its log when it ended instead. */
  async ready(deadline = Date.now() + readyWithin) {
    while (!(await isReady(this.healthPort))) {
      if (this.child.exitCode !== null) throw new Error(`${this.name} ended with ${this.child.exitCode}; ${this.logFile} ends with:\n${await this.lastLines()}`);
      if (Date.now() > deadline) throw new Error(`${this.name} was not ready in time; ${this.logFile} ends with:\n${await this.lastLines()}`);
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  async lastLines(count = 20) {
    return (await readFile(this.logFile, 'utf8').catch(() => '')).split('\n').slice(-count).join('\n');
  }

  kill(signal = 'SIGKILL') {
    return this.child.kill(signal);
  }

  get runs() {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Once it has ended. */
  async restart() {
    this.restarts++;
    await this.exited;
    this.start();
  }

  /** In order; resolves with the exit code, or with the signal that was needed. */
  async stop(patienceMs = 25_000) {
    if (this.runs) {
      this.child.kill('SIGCONT');
      this.child.kill('SIGTERM');
    }
    const hard = setTimeout(() => this.child.kill('SIGKILL'), patienceMs);
    const code = await this.exited;
    clearTimeout(hard);
    return code;
  }
}

/**
 * Starts everything and resolves once every process is ready: `{ members, gateways: [url], adminKey, brokers, databaseUrl, member(name),
 * crashKafka(), stop() }`. `home` keeps data and logs; `processes` is how many of each service but the scheduler, `counts` overrides it for single ones;
 * `env` goes to every process. Topics that exist keep their partitions, unless RUNLOG_PARTITIONS says how many there are to be. `port` is the first
 * gateway's, the second one's is the next. `supervise` starts a process again when it ends by itself. With `databaseUrl` or `kafkaBrokers`
 * that database or broker is used, else one is started.
 */
export async function startCluster({ home, port = 0, processes = processesHere(), counts = {}, env = {}, supervise = false, databaseUrl, kafkaBrokers, say = () => {} }) {
  const folder = resolve(home);
  await mkdir(join(folder, 'logs'), { recursive: true });
  const undo = [];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const { readConfig, startEmbeddedPostgres } = await import(new URL('../../libs/platform/dist/index.js', import.meta.url).href);
    say('Starting PostgreSQL and Apache Kafka ...');
    const broker = {
      dataDir: join(folder, 'kafka'),
      logFile: join(folder, 'logs/kafka.log'),
    };
    let postgres;
    let kafka;
    undo.push(() => Promise.all([postgres?.stop(), kafka?.stop()]));
    const started = await Promise.allSettled([
      databaseUrl ||
        startEmbeddedPostgres({
          dataFolder: join(folder, 'postgres'),
          settings: { max_connections: '200' },
        }).then((one) => (postgres = one)),
      kafkaBrokers || startKafka(broker).then((one) => (kafka = one)),
    ]);
    for (const { reason } of started) if (reason) throw reason;
    databaseUrl ??= postgres.connectionString;
    const brokers = kafkaBrokers ?? kafka.brokers.join(',');
    /** As a crash does it; `back()` starts the broker again on the same data and ports. */
    const crashKafka = async () => {
      const { port: kafkaPort, controllerPort } = kafka;
      await kafka.kill();
      return {
        back: async () => {
          kafka = await startKafka({
            ...broker,
            port: kafkaPort,
            controllerPort,
          });
        },
      };
    };
    const adminKey = process.env.RUNLOG_ADMIN_KEY || (await keptKey(join(folder, 'admin-key')));

    const wanted = { commands: processes, scheduler: 1, runner: processes, queries: processes, gateway: processes, ...counts };
    const settings = readConfig({ ...process.env, ...env, KAFKA_BROKERS: brokers }, { RUNLOG_PARTITIONS: String(partitionsFor(wanted.commands)) });
    const partitions = await declareTopics(settings);
    const queriesPorts = await Promise.all(Array.from({ length: wanted.queries }, freePort));
    const shared = {
      ...env,
      RUNLOG_HOME: folder,
      DATABASE_URL: databaseUrl,
      KAFKA_BROKERS: brokers,
      RUNLOG_ADMIN_KEY: adminKey,
      RUNLOG_QUERIES_URLS: queriesPorts.map((one) => `127.0.0.1:${one}`).join(','),
      RUNLOG_SECRET_KEY: process.env.RUNLOG_SECRET_KEY || (await keptKey(join(folder, 'secret-key'), 'hex')),
    };
    // Of this home only, since another cluster may use the same broker.
    const here = createHash('sha256').update(folder).digest('hex').slice(0, 8);
    const members = [];
    for (const [service, count] of Object.entries(wanted))
      for (let index = 0; index < count; index++) {
        const ports =
          service === 'gateway'
            ? { PORT: String(port ? port + index : await freePort()) }
            : {
                RUNLOG_HEALTH_PORT: String(await freePort()),
                ...(service === 'queries' ? { RUNLOG_QUERIES_PORT: String(queriesPorts[index]) } : {}),
              };
        members.push(new Member(service, index, { ...shared, ...ports, RUNLOG_INSTANCE: `${service}-${index + 1}-${here}` }, join(folder, 'logs')));
      }
    say(`Starting ${members.map(({ name }) => name).join(', ')} ...`);
    let stopping = false;
    undo.push(async () => {
      stopping = true;
      await Promise.all(members.map((member) => member.stop()));
    });
    const watch = async (member) => {
      const code = await member.exited;
      if (stopping || !supervise) return;
      say(`${member.name} ended (${code}); starting it again`);
      await new Promise((done) => setTimeout(done, 1_000));
      if (stopping) return;
      await member.restart();
      void watch(member);
    };
    for (const member of members) {
      member.start();
      void watch(member);
    }
    await Promise.all(members.map((member) => member.ready()));
    return {
      members,
      member: (name) => members.find((one) => one.name === name),
      gateways: members.filter(({ service }) => service === 'gateway').map(({ env: { PORT } }) => `http://127.0.0.1:${PORT}`),
      adminKey,
      brokers,
      partitions,
      databaseUrl,
      crashKafka,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Makes the topics before anybody else does; resolves with how many partitions executions are spread over. */
async function declareTopics({ kafkaBrokers: brokers, partitions, adoptsPartitions }) {
  const { openKafkaLog } = await import(new URL('../../libs/event-log/dist/index.js', import.meta.url).href);
  const log = await openKafkaLog({ brokers, clientId: 'runlog-cluster', partitions, adoptsPartitions });
  try {
    await log.start();
    return log.partitions('execution-events');
  } finally {
    await log.stop();
  }
}

/** The key in the file, made on first use (mode 0600). */
async function keptKey(path, encoding = 'base64url') {
  const kept = await readFile(path, 'utf8').catch(() => '');
  if (kept.trim()) return kept.trim();
  const made = `${encoding === 'hex' ? '' : 'rl_'}${randomBytes(32).toString(encoding)}`;
  await writeFile(path, `${made}\n`, { mode: 0o600 });
  return made;
}

async function foreground({ processes }) {
  const say = (line) => process.stderr.write(`${line}\n`);
  const home = process.env.RUNLOG_HOME ?? join(root, '.runlog/cluster');
  const alive = setInterval(() => {}, 60_000);
  let cluster;
  let ending;
  const down = (code) => {
    ending ??= (async () => {
      say('Stopping ...');
      await cluster?.stop();
      clearInterval(alive);
      process.exit(code);
    })();
    return ending;
  };
  // A terminal's Ctrl-C comes twice: from the terminal and from the launcher, whose end closes the channel.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => (cluster ? void down(0) : process.exit(130)));
  process.once('disconnect', () => void down(1));
  const { DATABASE_URL: databaseUrl, KAFKA_BROKERS: kafkaBrokers, PORT: port = 4000 } = process.env;
  cluster = await startCluster({
    home,
    port: Number(port),
    processes: processes || processesHere(),
    supervise: true,
    databaseUrl,
    kafkaBrokers,
    say,
  });
  const [first] = cluster.gateways;
  process.stdout.write(`
Runlog runs as a cluster of ${cluster.members.length} processes on Apache Kafka (${cluster.brokers}), ${cluster.partitions} partition${cluster.partitions === 1 ? '' : 's'}.
  API    ${cluster.gateways.join('  and  ')}
  docs   ${first}/docs
  key    ${cluster.adminKey}
  logs   ${join(resolve(home), 'logs')}
  try    curl -s ${first}/api/v1/executions -H 'Authorization: Bearer ${cluster.adminKey}'
Ctrl-C stops everything; the next start goes on where it was.
`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const options = commandLine({
    usage: 'npm run cluster -- [--processes 2]: Kafka, PostgreSQL and so many processes of each service but the scheduler; by default one, from 4 cores on two',
    values: { processes: 0 },
  });
  if (process.channel)
    await foreground(options).catch((error) => {
      process.stderr.write(`${error.message}\n`);
      process.exit(1);
    });
  else {
    await setUp();
    process.exitCode = await runPinned([fileURLToPath(import.meta.url), ...process.argv.slice(2)]);
  }
}

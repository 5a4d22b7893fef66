// A real Apache Kafka (KRaft, one node) for the local cluster and the tests: jars from Maven Central, Java 17, no installation.
// Plain Node without dependencies; `node deploy/local/kafka.mjs <data folder> <port>` runs one in the foreground.
import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const pom = join(root, 'deploy/kafka/pom.xml');
const log4j = join(root, 'deploy/kafka/log4j2.properties');
export const kafkaVersion = '4.1.0';
const java = process.env.JAVA_HOME ? join(process.env.JAVA_HOME, 'bin/java') : 'java';

/** Rejects with an instruction unless Java 17 or newer answers. */
async function requireJava() {
  const said = await run(java, ['-version']).then(
    ({ stderr, stdout }) => stderr + stdout,
    () => '',
  );
  const major = Number(/version "(\d+)/.exec(said)?.[1] ?? 0);
  if (major >= 17) return;
  throw new Error(
    `Expected Java 17 or newer to run Apache Kafka, but ${major ? `found Java ${major}` : `'${java}' does not run`}; ` +
      'install it (Debian: apt install openjdk-17-jre-headless, macOS: brew install openjdk@17) or point JAVA_HOME at it, or set KAFKA_BROKERS to use a Kafka of your own',
  );
}

/** The file that names every jar with its size: written last, so a folder without it, or not matching it, is incomplete. */
const manifestOf = (folder) => join(folder, 'complete.json');

async function isComplete(folder, pomHash) {
  const manifest = await readFile(manifestOf(folder), 'utf8').then(JSON.parse, () => undefined);
  if (manifest?.pom !== pomHash || !Array.isArray(manifest.jars) || manifest.jars.length === 0) return false;
  const sizes = await Promise.all(
    manifest.jars.map(({ jar }) =>
      stat(join(folder, jar)).then(
        (file) => file.size,
        () => -1,
      ),
    ),
  );
  return sizes.every((size, i) => size === manifest.jars[i].size);
}

const lockStaleMs = 30_000;

/** One resolver at a time over all processes: a folder is the lock, touched while held, so that a dead holder's lock goes stale. */
async function withLock(lock, work) {
  for (;;) {
    try {
      await mkdir(lock);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const held = await stat(lock).catch(() => undefined);
      if (held && Date.now() - held.mtimeMs > lockStaleMs) await rm(lock, { recursive: true, force: true });
      else await sleep(200);
    }
  }
  const touch = setInterval(() => utimes(lock, new Date(), new Date()).catch(() => {}), lockStaleMs / 6);
  try {
    return await work();
  } finally {
    clearInterval(touch);
    await rm(lock, { recursive: true, force: true });
  }
}

async function resolveJars(into) {
  try {
    await run('mvn', ['-B', '-q', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${into}`], { maxBuffer: 64 << 20 });
  } catch (error) {
    if (error.code === 'ENOENT')
      throw new Error(
        "Expected Maven to fetch Apache Kafka, but 'mvn' does not run; install it (Debian: apt install maven, macOS: brew install maven), or set KAFKA_BROKERS to use a Kafka of your own",
      );
    throw new Error(`Expected Maven to fetch Apache Kafka ${kafkaVersion}, but it failed:\n${(error.stdout + error.stderr).slice(0, 2000)}`);
  }
}

/** The folder with Kafka's jars, fetched on the first call; safe to call from many processes at once. */
export async function ensureKafkaJars({ cache = join(root, '.cache/kafka') } = {}) {
  await requireJava();
  const folder = join(cache, kafkaVersion);
  const pomHash = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex');
  if (await isComplete(folder, pomHash)) return folder;
  await mkdir(cache, { recursive: true });
  return withLock(`${folder}.lock`, async () => {
    if (await isComplete(folder, pomHash)) return folder;
    const fresh = `${folder}.${process.pid}-${randomBytes(4).toString('hex')}`;
    try {
      await resolveJars(fresh);
      const jars = (await readdir(fresh)).filter((name) => name.endsWith('.jar')).sort();
      if (!jars.includes(`kafka_2.13-${kafkaVersion}.jar`)) throw new Error(`Expected Maven to fetch kafka_2.13 ${kafkaVersion}, but it fetched ${jars.length} other jars`);
      const sized = await Promise.all(
        jars.map(async (jar) => ({
          jar,
          size: (await stat(join(fresh, jar))).size,
        })),
      );
      await writeFile(manifestOf(fresh), JSON.stringify({ pom: pomHash, jars: sized }));
      await rm(folder, { recursive: true, force: true });
      await rename(fresh, folder);
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
    return folder;
  });
}

const isFree = (port) =>
  new Promise((done) => {
    const server = net.createServer().once('error', () => done(false));
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
  });

/**
 * A TCP port that nothing listens on right now, below those that systems give to outgoing connections: one of these could be taken before its listener
 * is up. And above 10080, the last one below those that `fetch` refuses to talk to.
 */
export const freePort = async () => {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(10_100, 32_000);
    if (await isFree(port)) return port;
  }
  throw new Error('Expected a free port of 127.0.0.1 between 10100 and 32000, but 100 of them were taken');
};

const properties = ({ dataDir, port, controllerPort }) => `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=${join(dataDir, 'log')}
auto.create.topics.enable=false
delete.topic.enable=true
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=4
num.recovery.threads.per.data.dir=1
log.cleaner.dedupe.buffer.size=4194304
log.cleaner.threads=1
message.max.bytes=1048588
controlled.shutdown.enable=true
`;

/** A Metadata request (version 4, no topics) as bytes: length, header, empty topic list, no auto-creation. */
const metadataRequest = Buffer.from('00000013000300040000000100036e6f7700000000' + '00', 'hex');

/** True once the broker answers Metadata with itself in the list, which is after it was admitted by the controller. */
const answers = (port) =>
  new Promise((done) => {
    const socket = net.connect(port, '127.0.0.1');
    const give = (yes) => {
      socket.destroy();
      done(yes);
    };
    let said = Buffer.alloc(0);
    socket.setTimeout(1_000, () => give(false));
    socket.once('error', () => give(false)).once('close', () => done(false));
    socket.once('connect', () => {
      const request = Buffer.from(metadataRequest);
      request.writeInt32BE(request.length - 4, 0);
      socket.write(request);
    });
    socket.on('data', (chunk) => {
      said = Buffer.concat([said, chunk]);
      // length 4, correlation 4, throttle 4, then the number of brokers
      if (said.length >= 16 && said.length >= said.readInt32BE(0) + 4) give(said.readInt32BE(12) > 0);
    });
  });

/** The last lines of a log file, for an error message. */
const tailOf = async (file) => (await readFile(file, 'utf8').catch(() => '')).split('\n').slice(-15).join('\n');

const jvm = (heap) => [`-Xmx${heap}`, `-Xms${heap}`, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto', '-Dfile.encoding=UTF-8', `-Dlog4j2.configurationFile=${log4j}`];

async function format(classpath, config, dataDir) {
  if (existsSync(join(dataDir, 'log/meta.properties'))) return;
  const clusterId = randomBytes(16).toString('base64url');
  await run(java, [
    '-Xmx256m',
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    `-Dlog4j2.configurationFile=${log4j}`,
    '-cp',
    classpath,
    'kafka.tools.StorageTool',
    'format',
    // One id in 64 begins with a dash: not to be taken for an option.
    `--cluster-id=${clusterId}`,
    '-c',
    config,
  ]).catch((error) => {
    throw new Error(`Expected to format the Kafka data folder '${dataDir}', but it failed:\n${(error.stdout + error.stderr).slice(0, 2000)}`);
  });
}

// The subshell holds the read end of a pipe of ours: when this process dies, however it dies, the pipe ends and the broker is asked to stop.
const guarded = '( cat <&3 >/dev/null; kill $$ ) 2>/dev/null & exec "$@" 3<&- </dev/null';

/**
 * Starts a broker on 127.0.0.1 and resolves once it answers: `{ brokers, port, controllerPort, pid, stop(), kill() }`.
 * The data folder is formatted on the first start and survives `kill -9`; ports are free ones unless given.
 * `stop` ends it in order, `kill` is SIGKILL; both resolve when it is gone. `exited` resolves with its exit code whenever it ends.
 */
export async function startKafka({ dataDir, port, controllerPort, logFile, heap = '512m', timeoutMs = 60_000, cache }) {
  const jars = await ensureKafkaJars({ cache });
  const folder = resolve(dataDir);
  await mkdir(folder, { recursive: true });
  const ports = {
    port: port ?? (await freePort()),
    controllerPort: controllerPort ?? (await freePort()),
  };
  const config = join(folder, 'server.properties');
  const output = logFile ?? join(folder, 'kafka.log');
  await writeFile(config, properties({ dataDir: folder, ...ports }));
  await format(`${jars}/*`, config, folder);

  const out = openSync(output, 'a');
  const args = ['-c', guarded, 'sh', java, ...jvm(heap), '-cp', `${jars}/*`, 'kafka.Kafka', config];
  // In a group of its own: a terminal's Ctrl-C is for whoever runs the broker, who stops it last.
  const broker = spawn('/bin/sh', args, {
    stdio: ['ignore', out, out, 'pipe'],
    detached: true,
  });
  closeSync(out);
  const exited = new Promise((done) => {
    broker.once('error', () => done(-1));
    broker.once('exit', (code, signal) => done(code ?? signal));
  });
  let gone = false;
  exited.then(() => {
    gone = true;
    broker.stdio[3]?.destroy();
  });
  broker.stdio[3]?.on('error', () => {});

  const end = async (signal, patienceMs) => {
    if (!gone) broker.kill(signal);
    const hard = setTimeout(() => broker.kill('SIGKILL'), patienceMs);
    await exited;
    clearTimeout(hard);
  };
  const stop = () => end('SIGTERM', 15_000);
  const kill = () => end('SIGKILL', 1_000);

  const deadline = Date.now() + timeoutMs;
  while (!(await answers(ports.port))) {
    if (gone) throw new Error(`Expected Apache Kafka to start on port ${ports.port}, but it ended (${await exited}); ${output} ends with:\n${await tailOf(output)}`);
    if (Date.now() > deadline) {
      await kill();
      throw new Error(`Expected Apache Kafka to answer on port ${ports.port} within ${timeoutMs} ms, but it did not; ${output} ends with:\n${await tailOf(output)}`);
    }
    await sleep(50);
  }
  // The broker and its pipe must not keep a finished parent alive: the parent's end stops the broker.
  broker.unref();
  broker.stdio[3]?.unref();
  return {
    brokers: [`127.0.0.1:${ports.port}`],
    ...ports,
    pid: broker.pid,
    exited,
    stop,
    kill,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [dataDir = join(root, '.runlog/kafka'), port = '9092', controllerPort] = process.argv.slice(2);
  const broker = await startKafka({
    dataDir,
    port: Number(port),
    controllerPort: controllerPort && Number(controllerPort),
  });
  process.stdout.write(`Apache Kafka ${kafkaVersion} answers on ${broker.brokers[0]}\n`);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void broker.stop().then(() => process.exit(0)));
  const alive = setInterval(() => {}, 60_000);
  process.exitCode = Number(await broker.exited) || 0;
  clearInterval(alive);
}

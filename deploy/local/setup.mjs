// Set-up on any machine with Node 20 or newer and npm: packages as locked, the pinned Node, the build. Plain JavaScript without packages.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
/** How `npm start` runs the product: left to itself, the heap's young part alone takes 128 MB under load, and the old one grows fourfold between collections. */
export const standaloneCommand = [
  '--max-semi-space-size=16',
  '--heap-growing-percent=50',
  `--import=${new URL('./source-maps.mjs', import.meta.url)}`,
  `--import=${new URL('./lean/lean.mjs', import.meta.url)}`,
  join(root, 'apps/standalone/dist/main.js'),
];
/** For it: one arena of glibc's for all threads; 4 MB that are free at its end, and blocks of 1 MB, go back to the system. Whoever sets them wins. */
export const standaloneEnv = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '4194304', MALLOC_MMAP_THRESHOLD_: '1048576', ...process.env };
const modules = join(root, 'node_modules');
const stamp = join(modules, '.runlog-lock');

const say = (line) => process.stderr.write(`${line}\n`);

const lockDigest = () =>
  createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');

/**
 * Installs as locked when node_modules is missing or was made from another lock file. Not `npm ci`: that refuses a lock file which lacks
 * binaries of other platforms, as a registry mirror may.
 */
function ensurePackages() {
  const digest = lockDigest();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return false;
  say(existsSync(modules) ? 'Packages changed: installing them again (about a minute) ...' : 'First run: installing packages (about a minute) ...');
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const { status } = spawnSync(npm[0], [...npm.slice(1), 'install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) {
    say('The packages could not be installed. Check that the npm registry can be reached, then run the same command again.');
    process.exit(status || 1);
  }
  writeFileSync(stamp, digest);
  return true;
}

/** The pinned Node, or the running one where no package carries it for this platform. */
export function pinnedNode() {
  const path = join(modules, '.bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (existsSync(path)) return path;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  say(`No pinned Node for ${process.platform}-${process.arch}: install Node 24 and run the same command again.`);
  process.exit(1);
}

/** Packages, then the build: only what changed. */
export async function setUp() {
  const installed = ensurePackages();
  const { build } = await import('./build.mjs');
  const compiled = await build();
  if (installed || compiled > 0) say(`Built ${compiled} files.`);
}

/**
 * Runs a script on the pinned Node with the given arguments, in the foreground: signals go on to it, and it goes down when this process does
 * (it is told through its IPC channel). Resolves with its exit code.
 */
export function runPinned(args, { env = process.env, stdio = 'inherit' } = {}) {
  const child = spawn(pinnedNode(), args, {
    cwd: root,
    env,
    stdio: [stdio, stdio, stdio, 'ipc'],
  });
  const pass = (signal) => child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, pass);
  // npm runs scripts in a shell, and that shell dies of a signal without passing it on.
  if (process.env.npm_lifecycle_event && process.platform !== 'win32') {
    const shell = process.ppid;
    const watch = setInterval(() => {
      if (process.ppid === shell) return;
      clearInterval(watch);
      pass('SIGTERM');
    }, 100).unref();
  }
  return new Promise((done) => child.on('exit', (code, signal) => done(code ?? (signal === 'SIGTERM' ? 143 : 130))));
}

// Python packages that only tests use, at exact versions: an environment per list of requirements, made once and kept in node_modules/.cache.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './setup.mjs';

const execute = promisify(execFile);
const LEAST = [3, 11];
const howTo = `install Python ${LEAST.join('.')} or newer with pip (Debian: apt install python3 python3-pip python3-venv), or let PYTHON name one`;

/** The interpreter that PYTHON names, else the first fit one on the path. Throws with what to install. */
async function findPython() {
  const seen = [];
  for (const command of process.env.PYTHON ? [process.env.PYTHON] : ['python3', 'python']) {
    const probe = 'import sys; print(sys.executable); print(*sys.version_info[:3], sep="."); print(sys.platform)';
    const { stdout } = await execute(command, ['-c', probe]).catch(() => ({ stdout: '' }));
    const [path, version = '', platform] = stdout.trim().split(/\r?\n/);
    const [major = 0, minor = 0] = version.split('.').map(Number);
    if (major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1])) return { path, version, platform };
    seen.push(`${command}: ${version || 'not there'}`);
  }
  throw new Error(`Expected Python ${LEAST.join('.')} or newer for this test, but found ${seen.join(', ')}: ${howTo}`);
}

/** A virtual environment, or, where venv or ensurepip is missing, a plain folder of packages. */
async function install(python, requirements, folder) {
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '--requirement', requirements];
  const isolated = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const hasVenv = await execute(python.path, ['-m', 'venv', folder]).then(
    () => true,
    () => false,
  );
  try {
    if (hasVenv) return void (await execute(isolated, pip, { maxBuffer: 64 << 20 }));
    await rm(folder, { recursive: true, force: true });
    await execute(python.path, [...pip, '--target', join(folder, 'packages')], { maxBuffer: 64 << 20 });
  } catch (error) {
    throw new Error(
      `Expected to install ${requirements} with pip, but it could not: ${String(error.stderr ?? error).slice(-2000)}\nCheck that the Python package index can be reached; ${howTo}`,
    );
  }
}

/**
 * Python with the packages of a requirements file (exact pins): the interpreter's path, and the environment to run it in. Made on the first
 * call, in seconds; the same folder ever after. Several processes may ask at once.
 */
export async function pythonWith(requirements) {
  const python = await findPython();
  const digest = createHash('sha256')
    .update(`${python.path} ${python.version} ${python.platform}\n${await readFile(requirements, 'utf8')}`)
    .digest('hex');
  const cache = join(root, 'node_modules/.cache/python');
  const folder = join(cache, `${basename(dirname(requirements))}-${digest.slice(0, 12)}`);
  if (!existsSync(folder)) {
    const making = `${folder}.${process.pid}`;
    await mkdir(cache, { recursive: true });
    try {
      await install(python, requirements, making);
      await rename(making, folder).catch((error) => {
        if (!existsSync(folder)) throw error;
      });
    } finally {
      await rm(making, { recursive: true, force: true });
    }
  }
  const packages = join(folder, 'packages');
  const { PYTHONHOME: _home, PYTHONPATH: _path, ...env } = process.env;
  // An interpreter in a moved environment finds its packages by where it stands; scripts would not, so run modules.
  return existsSync(packages)
    ? { python: python.path, env: { ...env, PYTHONPATH: packages } }
    : { python: join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python'), env };
}

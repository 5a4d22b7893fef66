import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Whom a program runs as, and what must stand before its command line. */
export interface Unprivileged {
  readonly uid?: number;
  readonly gid?: number;
  readonly prefix: readonly string[];
}

const idOf = (flag: '-u' | '-g', user: string): number | undefined => {
  const { status, stdout } = spawnSync('id', [flag, user], { encoding: 'utf8' });
  return status === 0 ? Number(stdout) : undefined;
};

/** PostgreSQL refuses to run as root: then it runs as `postgres`, else as `nobody`, or as the owner of what is there already. */
export const unprivileged = (folder: string, reach: readonly string[]): Unprivileged => {
  if (process.getuid?.() !== 0) return { prefix: [] };
  const present = existsSync(folder) ? statSync(folder) : undefined;
  const user = ['postgres', 'nobody'].find((name) => idOf('-u', name) !== undefined);
  if (!user && !present?.uid) throw new Error("Expected to start PostgreSQL as 'postgres' or 'nobody' because root may not, but neither user exists");
  const uid = present?.uid || idOf('-u', user as string);
  const gid = present?.uid ? present.gid : idOf('-g', user as string);
  if (uid === undefined || gid === undefined) throw new Error(`Expected to start PostgreSQL as '${user}', but it has no user or group id`);
  const closed = reach.flatMap(parents).find((parent) => !mayEnter(parent, uid, gid));
  if (!closed) return { uid, gid, prefix: [] };
  if (spawnSync('setpriv', ['--version']).status !== 0)
    throw new Error(`Expected user '${user}' to reach '${reach.join("' and '")}', but '${closed}' is closed to it: open it (chmod o+x) or start as another user than root`);
  return { prefix: ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--inh-caps=+dac_override', '--ambient-caps=+dac_override', '--'] };
};

const parents = (path: string): string[] => (dirname(path) === path ? [path] : [...parents(dirname(path)), dirname(path)]);

const mayEnter = (folder: string, uid: number, gid: number): boolean => {
  if (!existsSync(folder)) return true;
  const { mode, uid: owner, gid: group } = statSync(folder);
  if (owner === uid) return (mode & 0o100) !== 0;
  if (group === gid) return (mode & 0o010) !== 0;
  return (mode & 0o001) !== 0;
};

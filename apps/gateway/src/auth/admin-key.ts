import { join } from 'node:path';
import type { Config } from '@runlog/platform';
import { type Catalog, hashApiKey, keptLine } from '@runlog/read-model';
import type { KeyRing } from './key-ring.js';
import { newKey, prefixOf } from './new-key.js';

/**
 * The first admin key of workspace `default`, which is made if missing: `RUNLOG_ADMIN_KEY`, valid while it is set, else one that is
 * made once and kept in `<home>/admin-key` (mode 0600). `source` says which, for the line that prints it.
 */
export const firstAdminKey = async (catalog: Catalog, keys: KeyRing, config: Pick<Config, 'adminKey' | 'home'>): Promise<{ key: string; source: 'environment' | 'file' }> => {
  const { workspace, pod } = await catalog.seedDefaults();
  if (config.adminKey !== undefined) {
    const prefix = prefixOf(config.adminKey);
    const scope = { workspaceId: workspace.id, podId: null, createPodId: pod.id, timeZone: workspace.timezone };
    keys.pin(config.adminKey, { ...scope, keyId: 'environment', prefix, role: 'admin', permissions: [], userId: null, dialect: null });
    return { key: config.adminKey, source: 'environment' };
  }
  const key = await keptKey(config.home);
  await catalog.createApiKey({
    workspaceId: workspace.id,
    podId: null,
    name: 'admin',
    role: 'admin',
    dialect: null,
    prefix: prefixOf(key),
    hash: hashApiKey(key),
    userId: null,
    at: Date.now(),
  });
  return { key, source: 'file' };
};

/** The key in `<home>/admin-key`, made if missing. */
const keptKey = async (home: string): Promise<string> => {
  const path = join(home, 'admin-key');
  const key = await keptLine(path, () => newKey().key);
  if (key.length < 16) throw new Error(`Expected an admin key in '${path}', but it holds ${key.length} characters; remove the file to have one made`);
  return key;
};

import { hash } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import type { Database, Sql } from '../database.js';
import { ApiKey, type FinerPermission, Pod, type Role, Workspace } from './entities.js';

/** SHA-256 (hex): how a key is looked up and kept. */
export const hashApiKey = (key: string): string => hash('sha256', key);

/** A key with where it acts: its workspace and the pod its creates go to. */
export interface Principal {
  readonly key: ApiKey;
  readonly workspace: Workspace;
  /** The key's pod, else the workspace's `default`. */
  readonly pod: Pod;
}

/** Makes workspace `default` (UTC) with pod `default` unless they are there. Safe to run from several services at once. */
export const seedDefaults = async (database: Database, at: number): Promise<{ workspace: Workspace; pod: Pod }> => {
  await database.query(`insert into workspaces (id, slug, name, timezone, created_at) values ($1, 'default', 'Default', 'UTC', $2) on conflict (slug) do nothing`, [uuidv7(), at]);
  const workspace = await database.dataSource.getRepository(Workspace).findOneByOrFail({ slug: 'default' });
  await database.query(`insert into pods (id, workspace_id, slug, name, created_at) values ($1, $2, 'default', 'Default', $3) on conflict (workspace_id, slug) do nothing`, [
    uuidv7(),
    workspace.id,
    at,
  ]);
  return { workspace, pod: await database.dataSource.getRepository(Pod).findOneByOrFail({ workspaceId: workspace.id, slug: 'default' }) };
};

/** A workspace with pod `default`. null: the slug is taken. */
export const createWorkspace = async (
  database: Database,
  given: { slug: string; name: string; timezone: string },
  at: number,
): Promise<{ workspace: Workspace; pod: Pod } | null> =>
  database.transaction(async (sql) => {
    const [workspace] = await sql.query<Workspace>(
      `insert into workspaces (id, slug, name, timezone, created_at) values ($1, $2, $3, $4, $5) on conflict (slug) do nothing
       returning id, slug, name, timezone, created_at as "createdAt"`,
      [uuidv7(), given.slug, given.name, given.timezone, at],
    );
    const pod = workspace && (await insertPod(sql, workspace.id, { slug: 'default', name: 'Default' }, at));
    return workspace && pod ? { workspace, pod } : null;
  });

/** null: the slug is taken. */
export const insertPod = async (sql: Sql, workspaceId: string, given: { slug: string; name: string }, at: number): Promise<Pod | null> => {
  const [pod] = await sql.query<Pod>(
    `insert into pods (id, workspace_id, slug, name, created_at) values ($1, $2, $3, $4, $5) on conflict (workspace_id, slug) do nothing
     returning id, workspace_id as "workspaceId", slug, name, created_at as "createdAt"`,
    [uuidv7(), workspaceId, given.slug, given.name, at],
  );
  return pod ?? null;
};

export interface NewApiKey {
  readonly workspaceId: string;
  readonly podId: string | null;
  readonly name: string;
  readonly role: Role;
  /** Default: none. */
  readonly permissions?: readonly FinerPermission[];
  readonly dialect: string | null;
  /** The first characters of the key: how people tell keys apart. */
  readonly prefix: string;
  /** `hashApiKey` of it. */
  readonly hash: string;
  readonly userId: string | null;
  readonly at: number;
}

/** The same hash again gives the key that is there (the admin key of the environment at every start), un-revoked. */
export const createApiKey = async (database: Database, { at, ...given }: NewApiKey): Promise<ApiKey> => {
  await database.query(
    `insert into api_keys (id, workspace_id, pod_id, name, role, dialect, prefix, hash, user_id, created_at, permissions)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     on conflict (hash) do update set revoked_at = null`,
    [uuidv7(), given.workspaceId, given.podId, given.name, given.role, given.dialect, given.prefix, given.hash, given.userId, at, given.permissions ?? []],
  );
  return database.dataSource.getRepository(ApiKey).findOneByOrFail({ hash: given.hash });
};

/** null: no such key, or revoked. */
export const principalByHash = async ({ dataSource }: Database, hash: string): Promise<Principal | null> => {
  const key = await dataSource.getRepository(ApiKey).findOneBy({ hash });
  if (!key || key.revokedAt !== null) return null;
  const workspace = await dataSource.getRepository(Workspace).findOneByOrFail({ id: key.workspaceId });
  const pod = await dataSource.getRepository(Pod).findOneByOrFail(key.podId ? { id: key.podId } : { workspaceId: key.workspaceId, slug: 'default' });
  return { key, workspace, pod };
};

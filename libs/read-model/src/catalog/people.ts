import { uuidv7 } from 'uuidv7';
import type { Database } from '../database.js';
import { User } from './entities.js';

const members = 'id, workspace_id as "workspaceId", email, name, created_at as "createdAt", removed_at as "removedAt"';

/** null: somebody of the workspace has that address. */
export const createUser = async (database: Database, workspaceId: string, given: { email: string; name: string }, at: number): Promise<User | null> => {
  const [user] = await database.query<User>(
    `insert into users (id, workspace_id, email, name, created_at) values ($1, $2, $3, $4, $5)
     on conflict (workspace_id, lower(email)) where removed_at is null do nothing returning ${members}`,
    [uuidv7(), workspaceId, given.email, given.name, at],
  );
  return user ?? null;
};

export const userOf = async (database: Database, workspaceId: string, id: string): Promise<User | null> => {
  const [user] = await database.tenant(workspaceId).query<User>(`select ${members} from users where id = $1 and removed_at is null`, [id]);
  return user ?? null;
};

export const usersOf = (database: Database, workspaceId: string): Promise<User[]> =>
  database.tenant(workspaceId).query<User>(`select ${members} from users where workspace_id = $1 and removed_at is null`, [workspaceId]);

/** Removes a person and revokes the keys that belong to it, in one transaction. False: there is none. */
export const removeUser = (database: Database, workspaceId: string, id: string, at: number): Promise<boolean> =>
  database.transaction(async (sql) => {
    const removed = await sql.query('update users set removed_at = $3 where workspace_id = $1 and id = $2 and removed_at is null returning 1', [workspaceId, id, at]);
    if (removed.length > 0) await sql.query('update api_keys set revoked_at = coalesce(revoked_at, $3) where workspace_id = $1 and user_id = $2::text', [workspaceId, id, at]);
    return removed.length > 0;
  });

/** Who did what. */
export interface AuditEntry {
  readonly id: string;
  readonly workspace_id: string;
  readonly at: number;
  readonly actor: string;
  readonly key_prefix: string;
  /** The operation, as the API's description names it. */
  readonly action: string;
  /** The path that it was done at. */
  readonly target: string;
  /** HTTP status of the answer. */
  readonly status: number;
  readonly request_id: string;
}

export const recordAudit = async (database: Database, entry: Omit<AuditEntry, 'id'>): Promise<void> => {
  const { workspace_id, at, actor, key_prefix, action, target, status, request_id } = entry;
  await database.query(
    'insert into audit_log (id, workspace_id, at, actor, key_prefix, action, target, status, request_id) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)',
    [uuidv7(), workspace_id, at, actor, key_prefix, action, target, status, request_id],
    'audit',
  );
};

export interface AuditFilter {
  readonly workspaceId: string;
  readonly actor?: string;
  readonly action?: string;
  readonly limit: number;
  /** The last entry of the page before. */
  readonly after?: { readonly at: number; readonly id: string };
}

/** Newest first. */
export const auditOf = (database: Database, { workspaceId, actor, action, limit, after }: AuditFilter): Promise<AuditEntry[]> => {
  const values: unknown[] = [workspaceId];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const where = ['workspace_id = $1'];
  if (actor !== undefined) where.push(`actor = ${bind(actor)}`);
  if (action !== undefined) where.push(`action = ${bind(action)}`);
  if (after) where.push(`(at, id) < (${bind(after.at)}::bigint, ${bind(after.id)}::uuid)`);
  return database.tenant(workspaceId).query<AuditEntry>(`select * from audit_log where ${where.join(' and ')} order by at desc, id desc limit ${bind(limit)}`, values);
};

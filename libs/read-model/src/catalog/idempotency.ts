import type { Json } from '@runlog/workflow';
import type { Sql } from '../database.js';

/** One use of an Idempotency-Key. `status` is null until the answer is stored. */
export interface IdempotencyRecord {
  readonly workspaceId: string;
  readonly route: string;
  readonly key: string;
  readonly fingerprint: string;
  readonly executionId: string | null;
  readonly commandId: string | null;
  readonly status: number | null;
  readonly response: Json;
  readonly createdAt: number;
}

/** Keys are kept this long; an older one counts as never used. */
export const IDEMPOTENCY_KEPT_MS = 24 * 3600 * 1000;

const columns = `workspace_id as "workspaceId", route, key, fingerprint, execution_id as "executionId", command_id as "commandId", status, response, created_at as "createdAt"`;

/** `fresh`: this call owns the key. Otherwise the record of whoever came first, to be compared and answered from. */
export type Begun = { readonly fresh: true } | { readonly fresh: false; readonly record: IdempotencyRecord };

type Opening = Pick<IdempotencyRecord, 'workspaceId' | 'route' | 'key' | 'fingerprint' | 'executionId' | 'commandId'> & { readonly at: number };

export const beginIdempotent = async (sql: Sql, opening: Opening): Promise<Begun> => {
  const inserted = await sql.query(
    `insert into idempotency_keys as k (workspace_id, route, key, fingerprint, execution_id, command_id, created_at) values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (workspace_id, route, key) do update set fingerprint = excluded.fingerprint, execution_id = excluded.execution_id, command_id = excluded.command_id,
       status = null, response = null, created_at = excluded.created_at where k.created_at < excluded.created_at - ${IDEMPOTENCY_KEPT_MS}
     returning 1`,
    [opening.workspaceId, opening.route, opening.key, opening.fingerprint, opening.executionId, opening.commandId, opening.at],
    'idempotency-begin',
  );
  if (inserted.length > 0) return { fresh: true };
  const record = await findIdempotent(sql, opening.workspaceId, opening.route, opening.key);
  return record ? { fresh: false, record } : beginIdempotent(sql, opening);
};

export const findIdempotent = async (sql: Sql, workspaceId: string, route: string, key: string): Promise<IdempotencyRecord | null> =>
  (await sql.query<IdempotencyRecord>(`select ${columns} from idempotency_keys where workspace_id = $1 and route = $2 and key = $3`, [workspaceId, route, key]))[0] ?? null;

/** Stores the answer for repeats. */
export const finishIdempotent = async (sql: Sql, workspaceId: string, route: string, key: string, status: number, response: Json): Promise<void> => {
  await sql.query('update idempotency_keys set status = $4, response = $5 where workspace_id = $1 and route = $2 and key = $3', [
    workspaceId,
    route,
    key,
    status,
    JSON.stringify(response),
  ]);
};

/** Gives the key back: what it asked for was refused before anything was recorded. */
export const abandonIdempotent = async (sql: Sql, workspaceId: string, route: string, key: string): Promise<void> => {
  await sql.query('delete from idempotency_keys where workspace_id = $1 and route = $2 and key = $3', [workspaceId, route, key]);
};

export const forgetIdempotent = async (sql: Sql, before: number): Promise<void> => {
  await sql.query('delete from idempotency_keys where created_at < $1', [before]);
};

import type { Sql } from '@runlog/read-model';
import type { Drift } from './drift.js';

/** Money that is set aside in an account for calls of executions that have ended. */
export const forgottenReservations = async (sql: Sql, workspaceId: string | undefined): Promise<Drift[]> => {
  const rows = await sql.query<{ execution_id: string; account: string; node_id: string; key: string; nano_usd: string }>(
    `select r.execution_id, r.account, r.node_id, r.key, r.nano_usd::text as nano_usd from budget_reservations r join executions e on e.id = r.execution_id
     where e.status in ('completed', 'failed', 'cancelled', 'rejected') and ($1::uuid is null or r.workspace_id = $1)`,
    [workspaceId ?? null],
  );
  return rows.map(({ execution_id, account, node_id, key, nano_usd }) => ({
    executionId: execution_id,
    because: `${nano_usd} nano-USD stay reserved in '${account}' for call '${key}' of node '${node_id}', but it has ended`,
  }));
};

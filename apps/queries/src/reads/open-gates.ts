import type { GateFilter, GatePage, OpenGate } from '@runlog/contract';
import type { Sql } from '@runlog/read-model';

/** A page of the inbox, newest first. `before` reads backwards, so its rows are turned round. */
export const openGates = async (sql: Sql, filter: GateFilter): Promise<Omit<GatePage, 'lagMs'>> => {
  const values: unknown[] = [filter.workspaceId];
  const where = ['workspace_id = $1'];
  const also = (column: string, value: unknown): void => {
    if (value !== undefined) where.push(`${column} = $${values.push(value)}`);
  };
  also('pod_id', filter.podId);
  also('kind', filter.kind);
  also('execution_id', filter.executionId);
  also('workflow_id', filter.workflowId);
  also('node_id', filter.nodeId);
  const isBackwards = filter.before !== undefined;
  const place = filter.before ?? filter.after;
  if (place) {
    const bound = [`$${values.push(place.requestedAt)}::bigint`, `$${values.push(place.executionId)}::uuid`, `$${values.push(place.gateId)}::text`];
    where.push(`(requested_at, execution_id, gate_id) ${isBackwards ? '>' : '<'} (${bound.join(', ')})`);
  }
  const order = isBackwards ? 'asc' : 'desc';
  const rows = await sql.query<OpenGate>(
    `select execution_id, execution_key, workflow_id, gate from gates where ${where.join(' and ')}
     order by requested_at ${order}, execution_id ${order}, gate_id ${order} limit $${values.push(filter.limit + 1)}`,
    values,
  );
  const shown = rows.slice(0, filter.limit);
  return { rows: isBackwards ? shown.reverse() : shown, hasMore: rows.length > filter.limit };
};

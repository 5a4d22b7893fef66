import type { ApprovalResource, GatePlace, ListResource, OpenGate, Reads } from '@runlog/contract';
import type { Catalog } from '@runlog/read-model';
import type { Principal } from '../auth/principal.js';
import { gateResource } from '../executions/execution-resource.js';
import { executionIdOf, workflowIdOf } from '../executions/filter-ids.js';
import { Answer } from '../http/answer.js';
import { malformed } from '../http/problem.js';
import type { ApprovalsQuery } from './approvals.dto.js';

/** What people are asked, over all executions that a key may see. */
export class Inbox {
  constructor(
    private readonly reads: Reads,
    private readonly catalog: Catalog,
  ) {}

  async list(who: Principal, asked: ApprovalsQuery): Promise<Answer> {
    const { kind, execution_id, workflow_id, node_id, after, before, limit = 50 } = asked;
    if (after !== undefined && before !== undefined) throw malformed('invalid_query', 'before', 'Expected one cursor, but got both after and before');
    const [executionId, workflowId] = await Promise.all([executionIdOf(this.reads, who.workspaceId, execution_id), workflowIdOf(this.catalog, who.workspaceId, workflow_id)]);
    if (executionId === null || workflowId === null) return new Answer(200, listOf([], null, null));
    const { rows, hasMore, lagMs } = await this.reads.gates({
      workspaceId: who.workspaceId,
      limit,
      ...(who.podId === null ? {} : { podId: who.podId }),
      ...(kind === undefined ? {} : { kind }),
      ...(executionId === undefined ? {} : { executionId }),
      ...(workflowId === undefined ? {} : { workflowId }),
      ...(node_id === undefined ? {} : { nodeId: node_id }),
      ...(after === undefined ? {} : { after: placeIn(after, 'after') }),
      ...(before === undefined ? {} : { before: placeIn(before, 'before') }),
    });
    const [first, last] = [rows[0], rows.at(-1)];
    const next = last && (before !== undefined || hasMore) ? cursorOf(last) : null;
    const previous = first && (before === undefined ? after !== undefined : hasMore) ? cursorOf(first) : null;
    return new Answer(200, listOf(rows.map(approvalResource), next, previous), { 'Runlog-Lag-Ms': String(Math.round(lagMs)) });
  }
}

const approvalResource = ({ execution_id, execution_key, workflow_id, gate }: OpenGate): ApprovalResource => {
  const { id, ...rest } = gateResource(gate);
  return { id, execution_id, execution_key, workflow_id, ...rest };
};

const listOf = (data: readonly ApprovalResource[], next_cursor: string | null, prev_cursor: string | null): ListResource<ApprovalResource> => ({
  object: 'list',
  data,
  has_more: next_cursor !== null,
  next_cursor,
  prev_cursor,
});

const cursorOf = ({ execution_id, gate }: OpenGate): string => Buffer.from(JSON.stringify([gate.requested_at, execution_id, gate.id])).toString('base64url');

/** Throws a 400 problem when it is none of ours. */
const placeIn = (cursor: string, name: 'after' | 'before'): GatePlace => {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    parts = null;
  }
  const [requestedAt, executionId, gateId] = Array.isArray(parts) && parts.length === 3 ? (parts as unknown[]) : [];
  if (
    typeof requestedAt === 'number' &&
    Number.isSafeInteger(requestedAt) &&
    typeof executionId === 'string' &&
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(executionId) &&
    typeof gateId === 'string' &&
    /^\w{1,64}\.\d{1,9}(\.[\w.]{1,64})?$/.test(gateId)
  )
    return { requestedAt, executionId, gateId };
  throw malformed('invalid_cursor', name, `Expected '${name}' to be a cursor of this list, but it is not`);
};

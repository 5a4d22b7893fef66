import type { Reads, TreeResource } from '@runlog/contract';
import type { Principal } from '../auth/principal.js';
import { unknown } from '../http/problem.js';
import type { ExecutionReader } from './execution-reader.js';
import { tokenUsage, usd } from './money.js';

/** Executions with all below them, added up. */
export class Trees {
  constructor(
    private readonly reads: Reads,
    private readonly reader: ExecutionReader,
  ) {}

  /** Throws a 404 problem. */
  async of(who: Principal, ref: string): Promise<TreeResource> {
    const { view } = await this.reader.one(who, ref, { nodes: false });
    const tree = await this.reads.tree({ workspaceId: who.workspaceId, executionId: view.id });
    if (!tree) throw unknown('execution', ref);
    const { executions, cost_nano_usd, cost_complete } = tree;
    return { object: 'tree', execution_id: view.id, executions, token_usage: tokenUsage(tree.token_usage), cost: usd(cost_nano_usd), cost_nano_usd, cost_complete };
  }
}

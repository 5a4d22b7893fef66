import type { Reads } from '@runlog/contract';
import type { Catalog } from '@runlog/read-model';
import { executionRef, isUuid } from '../ids.js';
import { workflowRef } from './pinned-workflows.js';

/** What a filter means by an execution, in any form of its id. undefined: not asked; null: nothing of that name is there, so that nothing matches. */
export const executionIdOf = async (reads: Reads, workspaceId: string, ref: string | undefined): Promise<string | null | undefined> => {
  const known = ref === undefined ? undefined : executionRef(ref);
  if (known === undefined || known === null || isUuid(known)) return known;
  return (await reads.execution({ workspaceId, ref: known, nodes: false }))?.view.id ?? null;
};

/** The same of a workflow. */
export const workflowIdOf = async (catalog: Catalog, workspaceId: string, ref: string | undefined): Promise<string | null | undefined> => {
  const known = ref === undefined ? undefined : workflowRef(ref);
  return known === undefined || known === null ? known : ((await catalog.workflow(workspaceId, known))?.id ?? null);
};

/** The same of an agent. */
export const agentIdOf = async (catalog: Catalog, workspaceId: string, ref: string | undefined): Promise<string | null | undefined> => {
  const known = ref === undefined ? undefined : workflowRef(ref);
  return known === undefined || known === null ? known : ((await catalog.agent(workspaceId, known))?.id ?? null);
};

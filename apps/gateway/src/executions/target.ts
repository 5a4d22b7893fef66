import { invalid, type Problem, unknown } from '../http/problem.js';
import type { CreateExecutionOfBody } from './create.dto.js';
import type { Latest, PinnedWorkflows } from './pinned-workflows.js';

/** What an execution is to be of, by id or key, and where that was said: what is unknown is 404 in the path, 422 in the body. */
export type Target = ({ readonly workflow: string } | { readonly agent: string; readonly version?: string }) & { readonly from: 'path' | 'body' };

/** Throws a 404 or 422 problem where there is no such thing. */
export const findTarget = async (workflows: PinnedWorkflows, workspaceId: string, target: Target): Promise<Latest> => {
  if ('workflow' in target) {
    const found = await workflows.latestOf(workspaceId, target.workflow);
    if (!found) throw notThere('workflow', target.workflow, target.from);
    return found;
  }
  const { agent, version, from } = target;
  const found = await workflows.agentOf(workspaceId, agent, version);
  if (found) return found;
  if (version === undefined || !(await workflows.agentOf(workspaceId, agent))) throw notThere('agent', agent, from);
  throw invalid([{ pointer: '/version_id', detail: `Expected the id or number of a version of agent '${agent}', but it has no version '${version}'` }], 'agent_version_not_found');
};

const notThere = (noun: 'workflow' | 'agent', ref: string, from: 'path' | 'body'): Problem =>
  from === 'path'
    ? unknown(noun, ref)
    : invalid([{ pointer: `/${noun}_id`, detail: `Expected the id or key of ${noun === 'agent' ? 'an' : 'a'} ${noun}, but there is no '${ref}'` }], `${noun}_not_found`);

/** What a body names. Throws a 422 problem unless it names just one thing. */
export const targetIn = ({ workflow_id: workflow, agent_id: agent }: CreateExecutionOfBody): Target => {
  if (workflow !== undefined && agent !== undefined) throw invalid([{ pointer: '/agent_id', detail: "Expected either 'workflow_id' or 'agent_id', but got both" }]);
  if (workflow !== undefined) return { workflow, from: 'body' };
  if (agent !== undefined) return { agent, from: 'body' };
  throw invalid([{ pointer: '/workflow_id', detail: "Expected a member 'workflow_id' or 'agent_id', but both are missing" }]);
};

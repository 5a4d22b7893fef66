import type { Workflow } from '@runlog/read-model';
import { invalid, Problem } from '../http/problem.js';

type Named = 'agent' | 'workflow';

const one = { agent: 'an agent', workflow: 'a workflow' } as const;

/** 409: agents and workflows of a workspace share their keys, and `taken` has the one that is wanted. */
export const keyTaken = (wanted: Named, { agentId, id, key, currentVersion }: Workflow): Problem => {
  const has: Named = agentId === null ? 'workflow' : 'agent';
  const detail = has === wanted ? 'there is one with this key; publish a version of it instead' : `there is ${one[has]} with this key; choose another`;
  return new Problem('conflict', `${has}_exists`, `Expected to create ${wanted} '${key}', but ${detail}`, { state: { id: agentId ?? id, key, version: currentVersion } });
};

/** A version has the key of what it is a version of. @throws a 422 problem */
export const checkOwnKey = (what: Named, own: string, given: string): void => {
  if (given !== own) throw invalid([{ pointer: '/key', detail: `Expected the ${what}'s own key '${own}', but got '${given}'` }]);
};

import type { PinnedAgent } from '@runlog/workflow';

/** How long an attempt of an agent may take that says nothing of it in `limits.seconds`. */
export const defaultAgentSeconds = 3600;

/** That a node ran longer than it may, in the words of the definition that sets the limit. `agent` is that of a node of this kind. */
export const ranTooLong = (limitMs: number, agent: Pick<PinnedAgent, 'key' | 'limits'> | null): string => {
  const seconds = agent?.limits.seconds ?? defaultAgentSeconds;
  if (agent && Math.round(seconds * 1000) === limitMs) return `Agent '${agent.key}' ran longer than its limit of ${seconds} s ('limits.seconds')`;
  return `The node ran longer than its limit of ${limitMs} ms ('timeout_ms')`;
};

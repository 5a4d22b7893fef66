import type { NodeStatus } from '@runlog/contract';

const words: Partial<Record<NodeStatus, string>> = { idle: 'pending', scheduled: 'pending', stopped: 'cancelled' };

/** A node's status as pods say it. `atGate`: it waits for a person. */
export const nodeWord = (status: NodeStatus, atGate: boolean): string => {
  if (status === 'waiting') return atGate ? 'suspended' : 'running';
  return words[status] ?? status;
};

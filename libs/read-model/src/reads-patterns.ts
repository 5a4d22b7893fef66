import type { Reads } from '@runlog/contract';

/** One message pattern per method of `Reads`, over Nest TCP. */
export const readsPatterns = {
  execution: 'reads.execution',
  executions: 'reads.executions',
  events: 'reads.events',
  logs: 'reads.logs',
  frames: 'reads.frames',
  heard: 'reads.heard',
  nodes: 'reads.nodes',
  gates: 'reads.gates',
  tree: 'reads.tree',
  usage: 'reads.usage',
  sessions: 'reads.sessions',
  turns: 'reads.turns',
  replayNodes: 'reads.replayNodes',
  effects: 'reads.effects',
  positions: 'reads.positions',
} as const satisfies { readonly [Method in keyof Reads]: string };

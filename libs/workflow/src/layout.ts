import { START, type WorkflowDefinition } from './definition.js';

/** The action graph's picture of a workflow. An empty one is exactly the seed's: 1200 by 150 with the start at (450, 0). */
export interface Template {
  readonly nodes: readonly { readonly id: string; readonly type: string; readonly name: string }[];
  readonly edges: readonly { readonly from: string; readonly to: string; readonly branch?: string }[];
  readonly width: number;
  readonly height: number;
  readonly positions: { readonly [node: string]: { readonly x: number; readonly y: number } };
  /** Types of node in use, in the order of their first use. */
  readonly action_types: readonly string[];
}

const MIN_WIDTH = 1200;
const NODE_WIDTH = 300;
const COLUMN = 340;
const ROW = 150;

/** The template of a definition: its own positions, and for nodes without one a place in layers below the start. O(nodes + edges), deterministic. */
export function layoutTemplate(definition: WorkflowDefinition): Template {
  const placed = inLayers(definition);
  const own = definition.positions ?? {};
  const positions: { [node: string]: { x: number; y: number } } = {};
  let width = MIN_WIDTH;
  let height = ROW;
  for (const id of [START, ...definition.nodes.map((node) => node.id)]) {
    const { x, y } = Object.hasOwn(own, id) ? own[id]! : placed.get(id)!;
    positions[id] = { x, y };
    width = Math.max(width, x + NODE_WIDTH);
    height = Math.max(height, y + ROW);
  }
  return {
    nodes: [{ id: START, type: 'Start', name: 'Start Workflow' }, ...definition.nodes.map(({ id, type, name }) => ({ id, type, name }))],
    edges: definition.edges.map(({ from, to, branch }) => (branch === undefined ? { from, to } : { from, to, branch })),
    width,
    height,
    positions,
    action_types: [...new Set(definition.nodes.map((node) => node.type))],
  };
}

/** A node's row is the longest way to it from the start; within a row nodes stand below the middle of what leads to them. */
function inLayers({ nodes, edges }: WorkflowDefinition): Map<string, { x: number; y: number }> {
  const incoming = new Map<string, string[]>(nodes.map((node) => [node.id, []]));
  const outgoing = new Map<string, string[]>([[START, []], ...nodes.map((node): [string, string[]] => [node.id, []])]);
  for (const { from, to } of edges) {
    incoming.get(to)?.push(from);
    outgoing.get(from)?.push(to);
  }
  const due = new Map([...incoming].map(([id, from]) => [id, from.length]));
  const row = new Map([[START, 0]]);
  const ready = [START, ...nodes.filter((node) => due.get(node.id) === 0).map((node) => node.id)];
  for (const id of ready) {
    const below = (row.get(id) ?? row.set(id, 1).get(id)!) + 1;
    for (const to of outgoing.get(id) ?? []) {
      row.set(to, Math.max(row.get(to) ?? 1, below));
      const left = due.get(to)! - 1;
      due.set(to, left);
      if (left === 0) ready.push(to);
    }
  }
  const rows: string[][] = [];
  for (const id of [START, ...nodes.map((node) => node.id)]) (rows[row.get(id) ?? 1] ??= []).push(id);
  const widest = Math.max(MIN_WIDTH, ...rows.map((ids) => (ids?.length ?? 0) * COLUMN - (COLUMN - NODE_WIDTH)));
  const places = new Map<string, { x: number; y: number }>();
  rows.forEach((ids, index) => {
    const middle = (id: string): number => {
      const above = (incoming.get(id) ?? []).flatMap((from) => places.get(from)?.x ?? []);
      return above.length > 0 ? above.reduce((sum, x) => sum + x, 0) / above.length : 0;
    };
    const ordered = ids.map((id, place) => ({ id, place, middle: middle(id) })).sort((a, b) => a.middle - b.middle || a.place - b.place);
    const left = Math.round((widest - ordered.length * COLUMN + (COLUMN - NODE_WIDTH)) / 2);
    ordered.forEach(({ id }, place) => places.set(id, { x: left + place * COLUMN, y: index * ROW }));
  });
  return places;
}

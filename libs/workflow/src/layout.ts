import { START, type WorkflowDefinition } from './definition.js';
import { orderOf } from './graph-order.js';

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
const GAP = 40;
const COLUMN = NODE_WIDTH + GAP;
const ROW = 150;

/** The template of a definition: its own positions, and for nodes without one a place in layers below the start. O(nodes + edges), deterministic. */
export function layoutTemplate(definition: WorkflowDefinition): Template {
  const placed = inLayers(definition);
  const own = definition.positions ?? {};
  const positions: { [node: string]: { x: number; y: number } } = {};
  let width = MIN_WIDTH;
  let height = ROW;
  for (const id of [START, ...definition.nodes.map((node) => node.id)]) {
    const { x, y } = (Object.hasOwn(own, id) ? own[id] : placed.get(id)) ?? { x: 0, y: 0 };
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
  const ids = [START, ...nodes.map((node) => node.id)];
  const rowOf = rowsOf(ids, edges);
  const rows: string[][] = [];
  for (const id of ids) {
    const row = rowOf.get(id) ?? 1;
    rows[row] ??= [];
    rows[row].push(id);
  }
  const leading = new Map<string, string[]>(ids.map((id) => [id, []]));
  for (const { from, to } of edges) leading.get(to)?.push(from);
  const widest = rows.reduce((width, row) => Math.max(width, row.length * COLUMN - GAP), MIN_WIDTH);
  const places = new Map<string, { x: number; y: number }>();
  for (const [index, row] of rows.entries()) {
    const middles = row.map((id) => middleOf((leading.get(id) ?? []).flatMap((from) => places.get(from)?.x ?? [])));
    const order = row.map((_, place) => place).sort((a, b) => (middles[a] ?? 0) - (middles[b] ?? 0) || a - b);
    const left = Math.round((widest - row.length * COLUMN + GAP) / 2);
    for (const [place, from] of order.entries()) places.set(row[from] ?? '', { x: left + place * COLUMN, y: index * ROW });
  }
  return places;
}

/** The start is row 0, every other node at least 1. */
function rowsOf(ids: readonly string[], edges: WorkflowDefinition['edges']): Map<string, number> {
  const { order, next } = orderOf(ids, edges);
  const rows = new Map(ids.map((id) => [id, id === START ? 0 : 1]));
  for (const id of order) for (const to of next(id)) rows.set(to, Math.max(rows.get(to) ?? 1, (rows.get(id) ?? 0) + 1));
  return rows;
}

const middleOf = (places: readonly number[]): number => (places.length === 0 ? 0 : places.reduce((sum, x) => sum + x, 0) / places.length);

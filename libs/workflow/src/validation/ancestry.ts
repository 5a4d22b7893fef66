import { START } from '../definition.js';
import { nearest } from '../nearest.js';
import type { Problem } from '../problem.js';
import type { Draft } from './draft.js';
import type { Use } from './expression-problems.js';
import { short } from './graph-problems.js';

/** Of each node ('' stands for the workflow), what its expressions read must exist and come before it: otherwise there may be no output yet. */
export function ancestryProblems(draft: Draft, usesBy: ReadonlyMap<string, readonly Use[]>): Problem[] {
  const problems: Problem[] = [];
  const comesBefore = ancestry(draft, new Set([...usesBy.values()].flatMap((uses) => uses.map((use) => use.node))));
  for (const [id, uses] of usesBy) {
    for (const { node, pointer, position } of uses) {
      const where = position === undefined ? '' : ` (at character ${position})`;
      if (!draft.nodes.has(node)) {
        const meant = nearest(node, draft.nodes.keys());
        problems.push({
          pointer,
          detail: `Expected an expression over nodes that exist, but there is no node '${short(node)}'${where}`,
          ...(meant ? { suggestion: `nodes.${meant}` } : {}),
        });
      } else if (node === id) problems.push({ pointer, detail: `Expected an expression over nodes before '${id}', but it reads '${id}' itself${where}` });
      else if (id !== '' && !comesBefore(node, id))
        problems.push({
          pointer,
          detail: `Expected an expression over nodes before '${id}', but no way leads from '${node}' to '${id}'${where}`,
          suggestion: `an edge from '${node}' to '${id}'`,
        });
    }
  }
  return problems;
}

/**
 * Whether one of the `wanted` nodes comes before another node. Each node gets a set of bits, one per wanted node, in an order in
 * which every node follows those before it; what no such order reaches is in or after a cycle and is not judged.
 */
function ancestry({ nodes, edges }: Draft, wanted: ReadonlySet<string>): (node: string, id: string) => boolean {
  const bitOf = new Map([...wanted].filter((id) => nodes.has(id)).map((id, bit) => [id, bit]));
  const words = Math.ceil(bitOf.size / 32);
  const due = new Map<string, number>([...nodes.keys()].map((id) => [id, 0]));
  const next = new Map<string, string[]>([...nodes.keys()].map((id) => [id, []]));
  for (const { from, to } of edges) {
    if (from === START || !next.has(from) || !due.has(to)) continue;
    next.get(from)!.push(to);
    due.set(to, due.get(to)! + 1);
  }
  const sets = new Map<string, Uint32Array>([...nodes.keys()].map((id) => [id, new Uint32Array(words)]));
  const ready = [...nodes.keys()].filter((id) => due.get(id) === 0);
  const judged = new Set<string>();
  for (const id of ready) {
    judged.add(id);
    const before = sets.get(id)!;
    const bit = bitOf.get(id);
    for (const to of next.get(id)!) {
      const after = sets.get(to)!;
      for (let word = 0; word < words; word++) after[word]! |= before[word]!;
      if (bit !== undefined) after[bit >> 5]! |= 1 << (bit & 31);
      due.set(to, due.get(to)! - 1);
      if (due.get(to) === 0) ready.push(to);
    }
  }
  return (node, id) => !judged.has(id) || ((sets.get(id)![bitOf.get(node)! >> 5]! >>> (bitOf.get(node)! & 31)) & 1) === 1;
}

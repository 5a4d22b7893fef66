import { orderOf } from '../graph-order.js';
import { nearest } from '../nearest.js';
import type { Problem } from '../problem.js';
import type { Draft } from './draft.js';
import type { Use } from './expression-problems.js';
import { MAX_GUESSES, short } from './graph-problems.js';

/** Of each node ('' stands for the workflow), what its expressions read must exist and come before it: otherwise there may be no output yet. */
export function ancestryProblems(draft: Draft, usesBy: ReadonlyMap<string, readonly Use[]>): Problem[] {
  const problems: Problem[] = [];
  const comesBefore = ancestry(draft, new Set([...usesBy.values()].flatMap((uses) => uses.map((use) => use.node))));
  for (const [id, uses] of usesBy) {
    for (const { node, pointer, position } of uses) {
      const where = position === undefined ? '' : ` (at character ${position})`;
      if (!draft.nodes.has(node)) {
        const meant = problems.length < MAX_GUESSES ? nearest(node, draft.nodes.keys()) : undefined;
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
 * Whether one of the `wanted` nodes comes before another node. Each node gets a set of bits, one per wanted node, filled in the
 * graph's order. What is in or after a cycle is not judged.
 */
function ancestry({ nodes, edges }: Draft, wanted: ReadonlySet<string>): (node: string, id: string) => boolean {
  const bitOf = new Map([...wanted].filter((id) => nodes.has(id)).map((id, bit) => [id, bit]));
  const { order, next } = orderOf([...nodes.keys()], edges);
  const ancestors = new Map(order.map((id) => [id, new Bits(bitOf.size)]));
  for (const id of order) {
    const before = ancestors.get(id);
    for (const to of next(id)) if (before) ancestors.get(to)?.add(before, bitOf.get(id));
  }
  return (node, id) => ancestors.get(id)?.has(bitOf.get(node)) ?? true;
}

class Bits {
  private readonly words: Uint32Array;

  constructor(size: number) {
    this.words = new Uint32Array(Math.ceil(size / 32));
  }

  add(other: Bits, bit: number | undefined): void {
    const { words } = this;
    for (let word = 0; word < words.length; word++) words[word] = (words[word] ?? 0) | (other.words[word] ?? 0);
    if (bit !== undefined) words[bit >> 5] = (words[bit >> 5] ?? 0) | (1 << (bit & 31));
  }

  has(bit: number | undefined): boolean {
    return bit !== undefined && (((this.words[bit >> 5] ?? 0) >>> (bit & 31)) & 1) === 1;
  }
}

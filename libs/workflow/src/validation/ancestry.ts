import { START } from '../definition.js';
import { nearest } from '../nearest.js';
import type { Problem } from '../problem.js';
import type { Draft } from './draft.js';
import type { Use } from './expression-problems.js';
import { short } from './graph-problems.js';

/** Of each node, what its expressions read must exist and come before it: otherwise there may be no output yet. */
export function ancestryProblems({ nodes, edges }: Draft, usesBy: ReadonlyMap<string, readonly Use[]>): Problem[] {
  const problems: Problem[] = [];
  const before = predecessors(edges);
  const known = new Map<string, Set<string>>();
  for (const [id, uses] of usesBy) {
    for (const use of uses) {
      const where = use.position === undefined ? '' : ` (at character ${use.position})`;
      if (!nodes.has(use.node)) {
        const meant = nearest(use.node, nodes.keys());
        problems.push({ pointer: use.pointer, detail: `Expected an expression over nodes that exist, but there is no node '${short(use.node)}'${where}`, ...(meant ? { suggestion: `nodes.${meant}` } : {}) });
      } else if (id !== '' && !leadsTo(use.node, id, before, known)) {
        problems.push({
          pointer: use.pointer,
          detail:
            use.node === id
              ? `Expected an expression over nodes before '${id}', but it reads '${id}' itself${where}`
              : `Expected an expression over nodes before '${id}', but no way leads from '${use.node}' to '${id}'${where}`,
          ...(use.node === id ? {} : { suggestion: `an edge from '${use.node}' to '${id}'` }),
        });
      }
    }
  }
  return problems;
}

function predecessors(edges: Draft['edges']): Map<string, string[]> {
  const before = new Map<string, string[]>();
  for (const { from, to } of edges) {
    if (from === START || from === to) continue;
    const known = before.get(to);
    if (known) known.push(from);
    else before.set(to, [from]);
  }
  return before;
}

/** Looks backwards from `id`, nearest first. The nodes before a node are kept once all of them have been seen. */
function leadsTo(wanted: string, id: string, before: ReadonlyMap<string, readonly string[]>, known: Map<string, Set<string>>): boolean {
  const complete = known.get(id);
  if (complete) return complete.has(wanted);
  const seen = new Set(before.get(id));
  for (const node of seen) {
    if (node === wanted) return true;
    for (const from of before.get(node) ?? []) seen.add(from);
  }
  if (known.size < 100) known.set(id, seen);
  return false;
}

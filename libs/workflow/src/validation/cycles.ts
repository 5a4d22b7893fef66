import { orderOf } from '../graph-order.js';

/** One cycle per knot of nodes that lead to each other, as the ids along it. O(nodes + edges), without recursion. */
export function findCycles(ids: readonly string[], arcs: readonly { readonly from: string; readonly to: string }[]): string[][] {
  const { order, next } = orderOf(ids, arcs);
  const ordered = new Set(order);
  const left = ids.filter((id) => !ordered.has(id));
  const seen = new Set<string>(order);
  return left.flatMap((start) => {
    const cycle = seen.has(start) ? undefined : cycleFrom(start, next, seen);
    return cycle === undefined ? [] : [cycle];
  });
}

/** Walks from `start` over nodes not yet seen, until the way meets itself. */
function cycleFrom(start: string, next: (id: string) => readonly string[], seen: Set<string>): string[] | undefined {
  const path: string[] = [];
  const place = new Map<string, number>();
  const turns: Iterator<string>[] = [];
  const enter = (id: string): void => {
    seen.add(id);
    place.set(id, path.length);
    path.push(id);
    turns.push(next(id)[Symbol.iterator]());
  };
  enter(start);
  for (let turn = turns.at(-1); turn !== undefined; turn = turns.at(-1)) {
    const { value: target, done } = turn.next();
    if (done) {
      turns.pop();
      place.delete(path.pop() ?? '');
      continue;
    }
    const from = place.get(target);
    if (from !== undefined) return path.slice(from);
    if (!seen.has(target)) enter(target);
  }
  return undefined;
}

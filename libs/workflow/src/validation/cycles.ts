interface Arc {
  readonly from: string;
  readonly to: string;
}

/** One cycle per knot of nodes that lead to each other, as the ids along it. O(nodes + edges), without recursion. */
export function findCycles(ids: readonly string[], arcs: readonly Arc[]): string[][] {
  const next = new Map<string, string[]>(ids.map((id) => [id, []]));
  const entering = new Map<string, number>(ids.map((id) => [id, 0]));
  for (const { from, to } of arcs) {
    const targets = next.get(from);
    if (targets === undefined) continue;
    targets.push(to);
    entering.set(to, entering.get(to)! + 1);
  }
  const left = peel(ids, next, entering);
  const cycles: string[][] = [];
  const done = new Set<string>();
  for (const start of left) {
    const path: string[] = [];
    const place = new Map<string, number>();
    const pending: { id: string; targets: Iterator<string> }[] = [];
    const enter = (id: string): void => {
      place.set(id, path.length);
      path.push(id);
      pending.push({ id, targets: (next.get(id) ?? [])[Symbol.iterator]() });
    };
    if (!done.has(start)) enter(start);
    while (pending.length > 0) {
      const { id, targets } = pending.at(-1)!;
      const { value: target, done: ended } = targets.next();
      if (ended) {
        pending.pop();
        path.pop();
        place.delete(id);
        done.add(id);
      } else if (place.has(target)) {
        cycles.push(path.slice(place.get(target)));
        for (const visited of path) done.add(visited);
        break;
      } else if (left.has(target) && !done.has(target)) enter(target);
    }
  }
  return cycles;
}

/** What stays when nodes that nothing enters are taken away, again and again: the cycles and what follows them. */
function peel(ids: readonly string[], next: ReadonlyMap<string, readonly string[]>, entering: Map<string, number>): Set<string> {
  const left = new Set(ids);
  const free = ids.filter((id) => entering.get(id) === 0);
  for (const id of free) {
    left.delete(id);
    for (const to of next.get(id) ?? []) {
      const count = entering.get(to)! - 1;
      entering.set(to, count);
      if (count === 0) free.push(to);
    }
  }
  return left;
}

interface Arc {
  readonly from: string;
  readonly to: string;
}

export interface GraphOrder {
  /** Each node after all that lead to it. What is in or after a cycle is missing. */
  readonly order: readonly string[];
  /** Where the edges of a node lead. */
  next(id: string): readonly string[];
}

/** Orders nodes by their edges; edges to or from anything else are ignored. O(nodes + edges), the order of `ids` otherwise kept. */
export function orderOf(ids: readonly string[], arcs: readonly Arc[]): GraphOrder {
  const next = new Map<string, string[]>(ids.map((id) => [id, []]));
  const due = new Map<string, number>(ids.map((id) => [id, 0]));
  for (const { from, to } of arcs) {
    const count = due.get(to);
    if (count === undefined || !next.has(from)) continue;
    next.get(from)?.push(to);
    due.set(to, count + 1);
  }
  const order = ids.filter((id) => due.get(id) === 0);
  for (const id of order)
    for (const to of next.get(id) ?? []) {
      const left = (due.get(to) ?? 0) - 1;
      due.set(to, left);
      if (left === 0) order.push(to);
    }
  return { order, next: (id) => next.get(id) ?? [] };
}

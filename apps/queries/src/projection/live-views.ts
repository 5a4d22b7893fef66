import type { ExecutionView } from '@runlog/contract';
import { isTerminalStatus, loadLiveViews, type Sql } from '@runlog/read-model';
import type { Touched } from './changes.js';

/** What a view without nodes takes, in nodes. */
const BARE = 8;

/** An execution weighs what its template could hold: known without counting. */
const weightOf = (view: ExecutionView): number => BARE + view.actions_count;

/**
 * The views of one partition's live executions, so that an event costs no read. Bounded by nodes: the least recently changed go first and
 * come back from the database. Inputs and outputs are dropped once written.
 */
export class LiveViews {
  readonly #held = new Map<string, ExecutionView>();
  #weight = 0;

  /** @param mostNodes of all executions held together; one execution more than that is always held. */
  constructor(
    private readonly sql: Sql,
    private readonly mostNodes = 20_000,
  ) {}

  get(id: string): ExecutionView | undefined {
    return this.#held.get(id);
  }

  async load(ids: Iterable<string>): Promise<void> {
    const missing = [...ids].filter((id) => !this.#held.has(id));
    if (missing.length === 0) return;
    for (const [id, view] of await loadLiveViews(this.sql, missing)) this.#hold(id, view);
  }

  /** What a batch changed is on disk. */
  written(touched: Iterable<Touched>): void {
    for (const { view, nodes } of touched) {
      this.forget(view.id);
      if (isTerminalStatus(view.status)) continue;
      for (const id of nodes.keys()) Object.assign(view.nodes?.[id] ?? {}, { output: null });
      this.#hold(view.id, Object.assign(view, { input: null, output: null }));
    }
    for (const id of this.#held.keys()) {
      if (this.#weight <= this.mostNodes || this.#held.size === 1) return;
      this.forget(id);
    }
  }

  forget(id: string): void {
    const view = this.#held.get(id);
    if (!view) return;
    this.#weight -= weightOf(view);
    this.#held.delete(id);
  }

  clear(): void {
    this.#held.clear();
    this.#weight = 0;
  }

  #hold(id: string, view: ExecutionView): void {
    this.#held.set(id, view);
    this.#weight += weightOf(view);
  }
}

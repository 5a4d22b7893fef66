import type { DecodedEvent } from '@runlog/event-log';
import {
  type Catalog,
  type Database,
  linkTo,
  predecessorsOf,
  recordedOf,
  type SpanLink,
  type StoredExecution,
  TraceFold,
  type TraceNames,
  type TraceSpan,
  traceContextOf,
  viewOf,
} from '@runlog/read-model';
import { allEventsUpTo } from '../reads/history.js';

/** Folds of executions that have not ended, kept at most. One that is not kept is folded again from the history when it goes on. */
const KEPT = 10_000;

/** null: nobody wants its spans. */
type Kept = TraceFold | null;

interface Source {
  readonly traceparent: string | undefined;
  readonly versionId: string;
  readonly predecessors: Parameters<typeof predecessorsOf>[0];
}

const after = new Set(['ExecutionSuperseded', 'ExecutionFaulted']);

/** The traces of living executions, as far as this process has read their events. */
export class LiveTraces {
  readonly #folds = new Map<string, Kept>();

  constructor(
    private readonly deps: {
      readonly database: Database;
      readonly catalog: Catalog;
      readonly withContent: boolean;
      /** The history of an execution is not in the read models: its spans from here on are lost. */
      readonly onUnreadable: (executionId: string) => void;
    },
  ) {}

  /** The spans that end with this event. One that was folded before gives none. `projected`: resolves once the read models hold everything before it. */
  async spansOf(event: DecodedEvent, projected: () => Promise<void>): Promise<TraceSpan[]> {
    const { executionId, version } = event;
    let fold = this.#folds.get(executionId);
    if (fold === undefined || (fold !== null && version > fold.version + 1)) {
      fold = version === 1 ? await this.#begin(executionId, sourceOf(event)) : await this.#reload(event, projected);
      this.#keep(executionId, fold);
    }
    if (fold === null || version <= fold.version) return [];
    fold.apply(event);
    if (fold.isOver) this.#folds.delete(executionId);
    return fold.takeEnded();
  }

  clear(): void {
    this.#folds.clear();
  }

  #keep(executionId: string, fold: Kept): void {
    this.#folds.delete(executionId);
    this.#folds.set(executionId, fold);
    if (this.#folds.size > KEPT) this.#folds.delete(this.#folds.keys().next().value as string);
  }

  async #begin(executionId: string, { traceparent, versionId, predecessors }: Source): Promise<Kept> {
    const context = traceContextOf(executionId, traceparent);
    if (!context.sampled) return null;
    const [names, links] = await Promise.all([this.#names(versionId), this.#links(predecessors)]);
    return new TraceFold(executionId, context, { names, links, withContent: this.deps.withContent });
  }

  /** Folds what came before the event; those spans were exported when they ended. */
  async #reload(event: DecodedEvent, projected: () => Promise<void>): Promise<Kept> {
    const { executionId, version } = event;
    await projected();
    const [stored] = await this.deps.database.query<Pick<StoredExecution, 'settled' | 'live' | 'output'>>(
      'select settled, live, null as output from executions where id = $1',
      [executionId],
      'traced-execution',
    );
    if (!stored) return this.#unreadable(event);
    const view = viewOf(stored);
    const fold = await this.#begin(executionId, { traceparent: view.traceparent, versionId: view.workflow_version_id, predecessors: view });
    if (!fold) return null;
    for await (const earlier of allEventsUpTo(this.deps.database, view.workspace_id, executionId, version - 1)) fold.apply(recordedOf(earlier));
    fold.takeEnded();
    if (fold.version < version - 1) return this.#unreadable(event);
    return fold.isOver ? null : fold;
  }

  #unreadable({ executionId, type }: DecodedEvent): null {
    if (!after.has(type)) this.deps.onUnreadable(executionId);
    return null;
  }

  async #names(versionId: string): Promise<TraceNames> {
    const version = await this.deps.catalog.workflowVersion(versionId);
    return { nodes: new Map(version?.definition.nodes.map((node) => [node.id, { type: node.type, definition: node, agent: version.agents[node.id] ?? null }])) };
  }

  async #links(source: Source['predecessors']): Promise<SpanLink[]> {
    const predecessors = predecessorsOf(source);
    if (predecessors.length === 0) return [];
    const ids = predecessors.map(({ id }) => id);
    const rows = await this.deps.database.query<{ id: string; trace_id: string | null }>(
      `select id, settled->>'trace_id' as trace_id from executions where id = any($1::uuid[])`,
      [ids],
      'traced-predecessors',
    );
    const traces = new Map(rows.map(({ id, trace_id }) => [id, trace_id]));
    return predecessors.map((predecessor) => linkTo(predecessor, traces.get(predecessor.id) ?? null));
  }
}

const sourceOf = (event: DecodedEvent): Source => {
  if (event.type !== 'ExecutionCreated') throw new Error(`Expected execution '${event.executionId}' to begin with its creation, but it begins with ${event.type}`);
  return { traceparent: event.traceparent, versionId: event.data.workflow_version_id, predecessors: event.data };
};

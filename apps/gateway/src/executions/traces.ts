import type { ExecutionView, Reads, TraceResource } from '@runlog/contract';
import type { Config } from '@runlog/platform';
import { linkTo, otlpJson, predecessorsOf, recordedOf, type SpanLink, TraceFold, type TraceSpan, traceContextOf, tracedService } from '@runlog/read-model';
import type { Principal } from '../auth/principal.js';
import { Answer } from '../http/answer.js';
import { Problem, unknown } from '../http/problem.js';
import { type ExecutionReader, staleHeader } from './execution-reader.js';
import type { PinnedWorkflows } from './pinned-workflows.js';
import { traceResource } from './trace-resource.js';

const AT_ONCE = 1_000;
/** More are no use to whoever looks at them, and no answer to send. */
const MOST_SPANS = 10_000;
const MOST_CONTENT = 4 * 1024 * 1024;

/** Traces of executions, folded from their histories as they are asked for. */
export class Traces {
  constructor(
    private readonly reads: Reads,
    private readonly reader: ExecutionReader,
    private readonly workflows: PinnedWorkflows,
    private readonly settings: Config['traces'],
  ) {}

  async trace(who: Principal, ref: string, format: 'json' | 'otlp'): Promise<Answer> {
    const found = await this.reader.one(who, ref, { nodes: false });
    const { view } = found;
    const fold = await this.fold(who, view);
    const ended = fold.takeEnded();
    const spans: TraceSpan[] = [...ended, ...fold.pending];
    const headers = { 'Cache-Control': 'private, no-cache', ...staleHeader(found) };
    const body: TraceResource | object = format === 'otlp' ? otlpJson(spans, tracedService(this.settings.serviceName)) : traceResource(view, spans, fold, Date.now());
    return new Answer(200, body, headers);
  }

  private async fold(who: Principal, view: ExecutionView): Promise<TraceFold> {
    const [names, links] = await Promise.all([this.workflows.version(view.workflow_version_id), this.links(who, view)]);
    if (!names) throw unknown('execution', view.id);
    const fold = new TraceFold(view.id, traceContextOf(view.id, view.traceparent), {
      names,
      links,
      withContent: this.settings.withContent,
      contentLimit: MOST_CONTENT,
      limit: MOST_SPANS,
    });
    while (fold.version < view.version) {
      const limit = Math.min(AT_ONCE, view.version - fold.version);
      const events = await this.reads.events({ workspaceId: who.workspaceId, executionId: view.id, after: fold.version, limit });
      for (const event of events) fold.apply(recordedOf(event));
      if (events.length === 0) break;
    }
    return fold;
  }

  /** What this key may not see, or is gone, has a trace all the same: that its own id gives. */
  private links(who: Principal, view: ExecutionView): Promise<SpanLink[]> {
    return Promise.all(
      predecessorsOf(view).map(async (predecessor) => {
        const found = await this.reader.one(who, predecessor.id, { nodes: false }).catch((error: unknown) => {
          if (error instanceof Problem) return null;
          throw error;
        });
        return linkTo(predecessor, found?.view.trace_id ?? null);
      }),
    );
  }
}

import type { ExecutionView, LogLineResource, Reads } from '@runlog/contract';
import type { Shown } from '../dialects/dialect.js';
import { executionResource } from './execution-resource.js';
import { logLine } from './log-line.js';
import { nodeResources } from './node-resource.js';
import type { PinnedWorkflows } from './pinned-workflows.js';
import type { Presentation } from './presentation.js';
import type { StoredBodies } from './stored-bodies.js';

/** Log lines inside an execution: the last so many. */
const LINES = 1_000;

/** Turns views into what the caller's dialect shows: the one place where answers about executions get their shape. */
export class Presenter {
  constructor(
    private readonly reads: Pick<Reads, 'logs'>,
    private readonly workflows: PinnedWorkflows,
    private readonly bodies: StoredBodies,
  ) {}

  /** The body of an answer about one execution, with stored bodies in place as far as it holds them. */
  async one(view: ExecutionView, how: Presentation, whole = true): Promise<unknown> {
    const shown = await this.row(whole ? await this.bodies.whole(view, bodiesShown(how)) : view, how);
    return how.dialect.one ? how.dialect.one(shown) : shown;
  }

  /** One of several. `view` must have its nodes where `needsNodes` says so. */
  async row(view: ExecutionView, how: Presentation): Promise<Shown> {
    const workflow = how.parts.size === 0 ? null : await this.workflows.version(view.workflow_version_id);
    const shown = how.dialect.execution({
      execution: executionResource(view, workflow, how),
      nodes: workflow && how.parts.has('nodes') ? nodeResources(view, workflow, Object.values(view.nodes ?? {}), how.now) : [],
      logs: how.parts.has('logs') ? await this.lastLines(view) : [],
    });
    return how.fields ? Object.fromEntries(Object.entries(shown).filter(([name]) => how.fields?.has(name))) : shown;
  }

  private async lastLines({ workspace_id: workspaceId, id: executionId }: ExecutionView): Promise<LogLineResource[]> {
    const lines = await this.reads.logs({ workspaceId, executionId, after: 0, limit: LINES, last: true });
    return lines.map(logLine);
  }
}

/** The bodies that this caller sees at all. */
const bodiesShown = ({ fields, dialect, parts }: Presentation): { output: boolean; input: boolean; nodes: boolean } => {
  const shown = fields ?? new Set(dialect.fields);
  const shows = (...names: string[]) => names.some((name) => shown.has(name));
  return { output: shows('output', 'result'), input: shows('input', 'payload'), nodes: parts.has('execution_data') || parts.has('nodes') };
};

export const needsNodes = ({ parts }: Presentation): boolean => parts.has('stats') || parts.has('execution_data') || parts.has('nodes');

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
    if (how.parts.size === 0) return this.plain(view, how);
    const workflow = await this.workflows.version(view.workflow_version_id);
    const shown = how.dialect.execution({
      execution: executionResource(view, workflow, how),
      nodes: workflow && how.parts.has('nodes') ? nodeResources(view, workflow, Object.values(view.nodes ?? {}), how.now) : [],
      logs: how.parts.has('logs') ? await this.lastLines(view) : [],
    });
    return asked(shown, how);
  }

  /** One that shows nothing besides its row (it needs no parts). */
  plain(view: ExecutionView, how: Presentation): Shown {
    return asked(how.dialect.execution({ execution: executionResource(view, null, how), nodes: [], logs: [] }), how);
  }

  private async lastLines({ workspace_id: workspaceId, id: executionId }: ExecutionView): Promise<LogLineResource[]> {
    const lines = await this.reads.logs({ workspaceId, executionId, after: 0, limit: LINES, last: true });
    return lines.map(logLine);
  }
}

const asked = (shown: Shown, { fields }: Presentation): Shown => (fields ? Object.fromEntries(Object.entries(shown).filter(([name]) => fields.has(name))) : shown);

/** The bodies that this caller sees at all. */
const bodiesShown = ({ fields, dialect, parts }: Presentation): { output: boolean; input: boolean; nodes: boolean } => {
  const shows = (...names: string[]) => names.some((name) => (fields ? fields.has(name) : dialect.fields.includes(name)));
  return { output: shows('output', 'result'), input: shows('input', 'payload'), nodes: parts.has('execution_data') || parts.has('nodes') };
};

export const needsNodes = ({ parts }: Presentation): boolean => parts.has('stats') || parts.has('execution_data') || parts.has('nodes');

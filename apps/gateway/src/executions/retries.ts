import type { ExecutionView } from '@runlog/contract';
import { type Catalog, isTerminalStatus } from '@runlog/read-model';
import { actorOf } from '../auth/principal.js';
import type { Commands } from '../commands.js';
import type { Answer } from '../http/answer.js';
import type { ActIds, Idempotency } from '../idempotency.js';
import type { Awaiting } from './awaiting.js';
import type { ExecutionReader } from './execution-reader.js';
import type { FollowOn, FollowOns } from './follow-ons.js';
import type { PinnedWorkflows } from './pinned-workflows.js';
import { requireMatch } from './presentation.js';
import type { CancelBody } from './verbs.dto.js';

/** Retries of whole executions. Decided in the stream of the one that is retried; the scheduler brings the next one about. */
export class Retries {
  constructor(
    private readonly catalog: Catalog,
    private readonly workflows: PinnedWorkflows,
    private readonly commands: Commands,
    private readonly reader: ExecutionReader,
    private readonly awaiting: Awaiting,
    private readonly followOns: FollowOns,
    private readonly idempotency: Idempotency,
  ) {}

  async retry(ask: FollowOn<CancelBody>): Promise<Answer> {
    const { view } = await this.reader.one(ask.who, ask.ref, { nodes: false });
    return this.idempotency.once(ask.request, ask.who, ask.body, (ids) => this.act(ask, view, ids), { executionId: view.id });
  }

  private async act(ask: FollowOn<CancelBody>, source: ExecutionView, { commandId, again }: ActIds): Promise<Answer> {
    const { who, body } = ask;
    if (!again) requireMatch(ask.request, source);
    const ended = await this.endedSuccessor(ask, source);
    if (ended === undefined) return this.followOns.answer(ask, source.superseded_by as string, again);
    const { kind, version } = await this.commands.send({
      type: 'RetryExecution',
      id: commandId,
      executionId: source.id,
      workspaceId: who.workspaceId,
      at: Date.now(),
      traceparent: ask.request.traceparent,
      by: actorOf(who),
      ...(body.reason ? { reason: body.reason } : {}),
      ended,
      naming: await this.naming(source),
    });
    const { view } = await this.reader.one(who, source.id, { nodes: false, minVersion: version });
    if (view.superseded_by === null) throw new Error(`Expected execution '${source.id}' to have a successor at version ${version}, but it has none`);
    return this.followOns.answer(ask, view.superseded_by, kind === 'recorded' || again);
  }

  /** Its latest retry where that has ended, null where there is none, undefined where it is alive or about to be created. */
  private async endedSuccessor({ who }: FollowOn<CancelBody>, { superseded_by: by }: ExecutionView): Promise<string | null | undefined> {
    if (by === null) return null;
    const successor = await this.awaiting.find({ who, executionId: by, nodes: false });
    return successor && isTerminalStatus(successor.status) ? by : undefined;
  }

  private async naming({ workflow_id, workflow_version_id, workspace_id }: ExecutionView) {
    const [run_number, hashid, workflow] = await Promise.all([
      this.catalog.takeRunNumber(workflow_id),
      this.catalog.takeHashid(workspace_id),
      this.workflows.version(workflow_version_id),
    ]);
    if (!workflow) throw new Error(`Expected workflow version '${workflow_version_id}' in the catalog, but it is not there`);
    const { key, name } = workflow.definition;
    return { hashid, run_number, key: `${key}_${run_number}`, name: `${name} ${run_number}` };
  }
}

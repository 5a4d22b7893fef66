import type { ExecutionView, Reads } from '@runlog/contract';
import { type CreatedData, type Heritage, type Json, planReplay, type ReplayPlan } from '@runlog/execution';
import { type Catalog, canonicalJson, heritageOf, isTerminalStatus } from '@runlog/read-model';
import { kinds, type Workflow } from '@runlog/workflow';
import { actorOf } from '../auth/principal.js';
import type { Commands } from '../commands.js';
import { Answer } from '../http/answer.js';
import { invalid, Problem } from '../http/problem.js';
import type { ActIds, Idempotency } from '../idempotency.js';
import { checkInput } from './creates.js';
import type { ExecutionReader } from './execution-reader.js';
import type { FollowOn, FollowOns } from './follow-ons.js';
import { usd } from './money.js';
import type { PinnedWorkflows } from './pinned-workflows.js';
import { requireMatch } from './presentation.js';
import type { StoredBodies } from './stored-bodies.js';
import type { ReplayBody } from './verbs.dto.js';

type Ask = FollowOn<ReplayBody>;

/** What a replay was worked out to: of an ended execution, so nothing of it changes between the plan and the act. */
interface WorkedOut {
  readonly source: ExecutionView;
  readonly created: CreatedData;
  readonly workflow: Workflow;
  readonly input: Json;
  readonly plan: ReplayPlan;
  /** Nano-USD that each agent cost in the source, where a plan is asked for: what it is expected to cost again. */
  readonly costs: ReadonlyMap<string, string>;
}

/** Replays of ended executions: from the beginning, from a node, or from an event. */
export class Replays {
  constructor(
    private readonly catalog: Catalog,
    private readonly workflows: PinnedWorkflows,
    private readonly commands: Commands,
    private readonly reads: Reads,
    private readonly reader: ExecutionReader,
    private readonly bodies: StoredBodies,
    private readonly followOns: FollowOns,
    private readonly idempotency: Idempotency,
  ) {}

  async replay(ask: Ask): Promise<Answer> {
    const worked = await this.workOut(ask);
    if (ask.body.plan) return new Answer(200, planResource(worked));
    return this.idempotency.once(ask.request, ask.who, ask.body, (ids) => this.act(ask, worked, ids));
  }

  private async workOut({ request, who, ref, body }: Ask): Promise<WorkedOut> {
    const { view: source } = await this.reader.one(who, ref, { nodes: false });
    requireMatch(request, source);
    if (!isTerminalStatus(source.status))
      throw new Problem('conflict', 'execution_not_ended', `Expected to replay an execution that has ended, but '${source.id}' is ${source.status}`, {
        state: { status: source.status, version: source.version },
      });
    const { at_version: forkedAt } = body;
    if (forkedAt !== undefined && forkedAt > source.version)
      throw invalid([{ pointer: '/at_version', detail: `Expected a version of execution '${source.id}', at most ${source.version}, but got ${forkedAt}` }], 'version_not_found');
    const workflow = await this.target(who.workspaceId, source, body);
    const created = await this.createdOf(who.workspaceId, source.id);
    const input = body.input === undefined ? created.input : body.input;
    if (body.input !== undefined) checkInput(workflow.definition, input);
    else if (workflow.versionId !== source.workflow_version_id)
      checkInput(workflow.definition, created.input_ref ? await this.bodies.json(who.workspaceId, created.input_ref) : input);
    // With another input it is other work, whose effects are others.
    const isSame = body.input === undefined || (!created.input_ref && canonicalJson(body.input) === canonicalJson(created.input));
    const heritage = isSame ? await this.heritage(source, workflow) : new Map<string, Heritage>();
    return { source, created, workflow, input, ...(await this.plan(source, workflow, body, heritage)) };
  }

  /** What its nodes that declare effects would find of them: of those that are what they were. */
  private async heritage({ id, workspace_id, workflow_version_id }: ExecutionView, workflow: Workflow): Promise<Map<string, Heritage>> {
    const declaring = [...workflow.nodes.values()].filter(({ effect }) => effect !== null);
    if (declaring.length === 0) return new Map();
    const ran = workflow.versionId === workflow_version_id ? workflow : await this.workflows.version(workflow_version_id);
    const same = declaring.filter((node) => {
      const before = ran?.nodes.get(node.id);
      return before?.type === node.type && canonicalJson(before.definition.config) === canonicalJson(node.definition.config);
    });
    const known = await this.reads.effects({ workspaceId: workspace_id, executionId: id, nodes: same.map((node) => node.id) });
    return new Map(
      known.flatMap((effect) => {
        const found = heritageOf(effect, workflow.nodes.get(effect.node_id)?.effect?.class);
        return found ? [[effect.node_id, found] as const] : [];
      }),
    );
  }

  private async plan(
    { id, workspace_id: workspaceId, version: last, workflow_version_id }: ExecutionView,
    workflow: Workflow,
    { from_node_id: from, at_version: forkedAt, reask = false, plan: isAsked }: ReplayBody,
    heritage: ReadonlyMap<string, Heritage>,
  ) {
    const reuses = from !== undefined || forkedAt !== undefined;
    const branching = [...workflow.nodes.values()].filter(({ type, definition }) => kinds.get(type)?.branches(definition.config) != null).map(({ id }) => id);
    const costing = isAsked ? [...workflow.nodes.values()].filter(({ agent }) => agent !== null).map(({ id }) => id) : [];
    const ask = { workspaceId, executionId: id, branching, costing, ...(forkedAt === undefined ? {} : { atVersion: forkedAt }) };
    const [found, ran] = reuses || isAsked ? await Promise.all([this.reads.replayNodes(ask), this.workflows.version(workflow_version_id)]) : [];
    const nodes = (found ?? []).map(
      ({ node_id, reused_from, cost_nano_usd: _cost, ...node }) =>
        [node_id, { ...node, type: ran?.nodes.get(node_id)?.type ?? '', reused: reused_from && { from: reused_from.execution_id, version: reused_from.version } }] as const,
    );
    const version = forkedAt ?? last;
    const planned = planReplay(workflow, { source: { id, version }, nodes: new Map(nodes), from, fork: forkedAt !== undefined, reask, heritage });
    if ('problem' in planned) throw invalid([{ pointer: '/from_node_id', detail: planned.problem }], 'node_not_reached');
    // What a node costs shows at its end, which may be behind the fork.
    const ended = costing.length > 0 && forkedAt !== undefined ? await this.reads.replayNodes({ workspaceId, executionId: id, branching: [], costing }) : found;
    return { plan: planned, costs: new Map((ended ?? []).map(({ node_id, cost_nano_usd }) => [node_id, cost_nano_usd])) };
  }

  private async act(ask: Ask, { source, created, workflow, input, plan }: WorkedOut, { executionId, commandId }: ActIds): Promise<Answer> {
    const { who, request } = ask;
    const [runNumber, hashid] = await Promise.all([this.catalog.takeRunNumber(source.workflow_id), this.catalog.takeHashid(who.workspaceId)]);
    const { key, name } = workflow.definition;
    const { version } = await this.commands.send({
      type: 'CreateExecution',
      id: commandId,
      executionId,
      workspaceId: who.workspaceId,
      at: Date.now(),
      traceparent: request.traceparent,
      created: {
        ...created,
        workflow_version_id: workflow.versionId,
        // An agent's own workflow has one node, which pins it.
        agent_version_id: created.agent_id === null ? null : ([...workflow.nodes.values()][0]?.agent?.agent_version_id ?? created.agent_version_id),
        actions_count: workflow.nodes.size,
        input,
        input_ref: ask.body.input === undefined ? created.input_ref : undefined,
        hashid,
        key: `${key}_${runNumber}`,
        name: `${name} ${runNumber}`,
        run_number: runNumber,
        user_id: who.userId,
        created_by: actorOf(who),
        trigger: { kind: 'replay', id: source.id },
        parent_execution_id: null,
        root_execution_id: null,
        batch_id: null,
        retry_of: null,
        replay_of: source.id,
        retry_count: 0,
      },
      ...(plan.reuse.length > 0 ? { reuse: plan.reuse } : {}),
      ...(plan.effects.length > 0 ? { effects: { of: source.id, nodes: plan.effects } } : {}),
    });
    return this.followOns.answer(ask, executionId, true, version);
  }

  /** The version that the replay runs. */
  private async target(workspaceId: string, source: ExecutionView, { version }: ReplayBody): Promise<Workflow> {
    const workflow = version === 'latest' ? (await this.workflows.latestOf(workspaceId, source.workflow_id))?.workflow : await this.workflows.version(source.workflow_version_id);
    if (!workflow) throw new Error(`Expected the definition of execution '${source.id}' in the catalog, but it is not there`);
    return workflow;
  }

  /** What the source was created with, as recorded. */
  private async createdOf(workspaceId: string, executionId: string): Promise<CreatedData> {
    const [first] = await this.reads.events({ workspaceId, executionId, after: 0, limit: 1 });
    if (!first) throw new Error(`Expected the first event of execution '${executionId}' in the read model, but it is not there`);
    return JSON.parse(first.value) as CreatedData;
  }
}

const planResource = ({ plan: { nodes, repeatedEffects }, costs }: Pick<WorkedOut, 'plan' | 'costs'>) => ({
  object: 'plan',
  nodes: nodes.map(({ node, action }) => ({ node_id: node, action })),
  repeated_effects: repeatedEffects,
  cost_estimate: usd(nodes.reduce((sum, { node, action }) => sum + (action === 'reuse' ? 0n : BigInt(costs.get(node) ?? '0')), 0n).toString()),
});

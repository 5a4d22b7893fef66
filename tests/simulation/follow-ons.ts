import type { EffectView, ExecutionView, NodeView } from '@runlog/contract';
import type { DecodedEvent } from '@runlog/event-log';
import { type CreatedData, type ExecutionCommand, planReplay, type ReplayPlan } from '@runlog/execution';
import { foldView, heritageOf, isTerminalStatus } from '@runlog/read-model';
import { compile, kinds, type Workflow } from '@runlog/workflow';
import type { Random } from './random.js';
import type { Tables } from './tables.js';
import type { VirtualTime } from './virtual-time.js';
import { type WorkflowKey, workflows } from './workflows.js';

type Wish = { readonly type: ExecutionCommand['type']; readonly executionId: string } & Record<string, unknown>;

/** What those who follow on what has been ask of the clients. */
interface Desk {
  ask(wish: Wish): void;
  /** Waits for this execution to end, too. */
  expect(executionId: string): void;
  newId(): string;
}

const compiled = new Map<string, Workflow>();
const workflowOf = (versionId: string): Workflow => {
  const known = compiled.get(versionId);
  if (known) return known;
  const workflow = compile(versionId, workflows[versionId as WorkflowKey]);
  compiled.set(versionId, workflow);
  return workflow;
};

/** So far do retries and replays of retries and replays go. */
const deepest = 2;

/** People who retry what is alive or has ended, replay what has ended, and say what became of effects that nobody knows the outcome of. */
export class FollowOns {
  readonly #views = new Map<string, ExecutionView>();
  readonly #created = new Map<string, CreatedData>();
  readonly #depths = new Map<string, number>();

  constructor(
    private readonly desk: Desk,
    private readonly tables: Tables,
    private readonly time: VirtualTime,
    private readonly random: Random,
    /** Nobody begins anything after that. */
    private readonly untilMs: number,
  ) {}

  see(event: DecodedEvent): void {
    const { executionId } = event;
    if (event.type === 'ExecutionCreated') this.#created.set(executionId, event.data);
    const created = this.#created.get(executionId);
    if (!created || event.version !== (this.#views.get(executionId)?.version ?? 0) + 1) return;
    this.#views.set(executionId, foldView(this.#views.get(executionId), structuredClone(event), workflowOf(created.workflow_version_id)));
    if (event.type === 'EffectUnknown') this.#settle(executionId, event.data.gate_id);
    if (event.type === 'ExecutionSuperseded') {
      this.desk.expect(event.data.by);
      this.#depths.set(event.data.by, this.#depthOf(executionId) + 1);
    }
    if (event.type === 'ExecutionStarted' && this.random.chance(0.06)) this.#later(1_500, () => this.#retry(executionId));
    if (/^Execution(Completed|Failed|Rejected|Cancelled)$/.test(event.type)) this.#follow(executionId);
  }

  /** At times two who do not agree. */
  #settle(executionId: string, gate: string): void {
    const first = this.random.between(5, 4_000);
    for (const by of this.random.pick([['ann'], ['ann', 'bob']])) {
      const decision = this.random.pick(['done', 'repeat', 'fail']);
      this.time.after(first + this.random.between(0, 500), () =>
        this.desk.ask({ type: 'Respond', executionId, gate, decision, ...(decision === 'done' ? { answer: { said: by } } : {}), by: `user:${by}`, roles: [] }),
      );
    }
  }

  #follow(executionId: string): void {
    const { random } = this;
    if (random.chance(0.2)) this.#later(2_000, () => this.#retry(executionId));
    else if (random.chance(0.3)) this.#later(2_000, () => this.#replay(executionId));
  }

  #later(withinMs: number, act: () => void): void {
    this.time.after(this.random.between(1, withinMs), act);
  }

  #depthOf(executionId: string): number {
    return this.#depths.get(executionId) ?? 0;
  }

  #mayFollow(executionId: string): boolean {
    return this.time.now < this.untilMs && this.#depthOf(executionId) < deepest;
  }

  #retry(executionId: string): void {
    const view = this.#views.get(executionId);
    if (!view || !this.#mayFollow(executionId)) return;
    const by = view.superseded_by;
    const ended = by !== null && isTerminalStatus(this.#views.get(by)?.status ?? 'pending') ? by : null;
    const { hashid, key, name } = view;
    this.desk.ask({ type: 'RetryExecution', executionId, by: 'user:ann', ended, naming: { hashid, key, name, run_number: 2 } });
  }

  /** As a gateway does it: of what the read model shows to have ended. */
  #replay(source: string): void {
    const [view, created] = [this.#views.get(source), this.#created.get(source)];
    if (!view || !created || !this.#mayFollow(source)) return;
    if (!isTerminalStatus((this.tables.executions.get(source)?.status ?? 'pending') as never)) return this.#later(500, () => this.#replay(source));
    const workflow = workflowOf(created.workflow_version_id);
    const isSame = this.random.chance(0.8);
    const plan = this.#planOf(view, workflow, isSame);
    if ('problem' in plan) return;
    const executionId = this.desk.newId();
    this.desk.expect(executionId);
    this.#depths.set(executionId, this.#depthOf(source) + 1);
    const input = isSame ? created.input : { even: true, other: executionId };
    this.desk.ask({
      type: 'CreateExecution',
      executionId,
      created: { ...created, input, trigger: { kind: 'replay', id: source }, batch_id: null, retry_of: null, replay_of: source, retry_count: 0 },
      ...(plan.reuse.length > 0 ? { reuse: plan.reuse } : {}),
      ...(plan.effects.length > 0 ? { effects: { of: source, nodes: plan.effects } } : {}),
    });
  }

  #planOf(view: ExecutionView, workflow: Workflow, isSame: boolean): ReplayPlan | { readonly problem: string } {
    const nodes = Object.values(view.nodes ?? {});
    const from = this.random.chance(0.6) ? this.random.pick([...workflow.nodes.keys()]) : undefined;
    const branching = (id: string): boolean => kinds.get(workflow.nodes.get(id)?.type ?? '')?.branches(workflow.nodes.get(id)?.definition.config ?? {}) != null;
    return planReplay(workflow, {
      source: { id: view.id, version: view.version },
      nodes: new Map(
        nodes.map(({ node_id, type, status, branch, started_at, reused_from, effect }) => [
          node_id,
          {
            type,
            status,
            branch: branching(node_id) ? branch : null,
            tried: started_at !== null,
            reused: reused_from && !effect ? { from: reused_from.execution_id, version: reused_from.version } : null,
          },
        ]),
      ),
      from,
      fork: from === undefined && this.random.chance(0.3),
      reask: this.random.chance(0.2),
      heritage: new Map(isSame ? nodes.flatMap((node) => this.#heritageOf(node, workflow)) : []),
    });
  }

  #heritageOf(node: NodeView, workflow: Workflow): [string, 'receipt' | 'begun'][] {
    const known: EffectView | undefined = node.effect ?? (node.reused_from ? this.#views.get(node.reused_from.execution_id)?.nodes?.[node.node_id]?.effect : undefined);
    if (!known) return [];
    const hasReceipt = known.standing === 'recorded' && (known.receipt !== undefined || node.status === 'completed');
    const heritage = heritageOf({ standing: known.standing, hasReceipt }, workflow.nodes.get(node.node_id)?.effect?.class);
    return heritage ? [[node.node_id, heritage]] : [];
  }
}

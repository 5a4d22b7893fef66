import type { ExecutionView, OpenCallView } from '@runlog/contract';
import type { EventOf, RecordedEvent } from '@runlog/execution';
import { callsLostBy, isTerminalStatus, type NodeNames } from '@runlog/read-model';

/** Sums of one day, workflow, agent and model; `model` is empty in the row of what is about none. */
export interface UsageRow {
  readonly day: string;
  readonly workspaceId: string;
  readonly workflowId: string;
  readonly agentId: string;
  readonly model: string;
  readonly partition: number;
  created: number;
  completed: number;
  failed: number;
  cancelled: number;
  rejected: number;
  steps: number;
  activeMs: number;
  agentActions: number;
  modelCalls: number;
  unpricedCalls: number;
  input: number;
  cacheRead: number;
  cacheWrite: number;
  output: number;
  reasoning: number;
  costNanoUsd: bigint;
}

interface Counters {
  readonly steps: number;
  readonly activeMs: number;
  readonly agentActions: number;
  /** Calls that the event ends without a word of what they cost. */
  readonly lost: readonly OpenCallView[];
}

const DAY_MS = 86_400_000;
/** Characters of a model's name, as it is part of a key. */
const LONGEST_MODEL = 255;

/** Adds up what a batch used, per UTC day of the event, workspace, workflow, agent and model. */
export class Usage {
  readonly #rows = new Map<string, UsageRow>();

  constructor(private readonly partition: number) {}

  get rows(): UsageRow[] {
    return [...this.#rows.values()];
  }

  before(view: ExecutionView | undefined, event: RecordedEvent): Counters {
    return { steps: view?.n_steps ?? 0, activeMs: view?.active_ms ?? 0, agentActions: view?.n_agent_actions ?? 0, lost: callsLostBy(view, event) };
  }

  after(before: Counters, view: ExecutionView, event: RecordedEvent, names: NodeNames): void {
    const steps = view.n_steps - before.steps;
    const activeMs = view.active_ms - before.activeMs;
    const agentActions = view.n_agent_actions - before.agentActions;
    if (event.type === 'TokensUsed') this.#spend(this.#row(view, event.at, agentOf(view, event, names), event.data.model), event.data);
    for (const { model } of before.lost) {
      const row = this.#row(view, event.at, agentOf(view, event, names), model);
      row.modelCalls++;
      row.unpricedCalls++;
    }
    if (agentActions > 0) this.#row(view, event.at, agentOf(view, event, names), '').agentActions += agentActions;
    const turnedTerminal = isTerminalStatus(view.status) && event.type.startsWith('Execution') && event.type !== 'ExecutionFaulted' && event.type !== 'ExecutionSuperseded';
    if (event.version > 1 && steps === 0 && activeMs === 0 && !turnedTerminal) return;
    const row = this.#row(view, event.at, view.agent_id ?? '', '');
    if (event.version === 1) row.created++;
    row.steps += steps;
    row.activeMs += activeMs;
    if (turnedTerminal) row[view.status as 'completed' | 'failed' | 'cancelled' | 'rejected']++;
  }

  #spend(row: UsageRow, { tokens, cost_nano_usd }: EventOf<'TokensUsed'>['data']): void {
    row.modelCalls++;
    if (cost_nano_usd === null) row.unpricedCalls++;
    else row.costNanoUsd += BigInt(cost_nano_usd);
    if (tokens === null) return;
    row.input += tokens.input;
    row.cacheRead += tokens.cache_read;
    row.cacheWrite += tokens.cache_write;
    row.output += tokens.output;
    row.reasoning += tokens.reasoning;
  }

  #row(view: ExecutionView, at: number, agentId: string, named: string): UsageRow {
    const model = named.slice(0, LONGEST_MODEL);
    const day = Math.floor(at / DAY_MS);
    const key = `${day} ${view.workspace_id} ${view.workflow_id} ${agentId} ${model}`;
    let row = this.#rows.get(key);
    if (!row) {
      row = {
        day: new Date(day * DAY_MS).toISOString().slice(0, 10),
        workspaceId: view.workspace_id,
        workflowId: view.workflow_id,
        agentId,
        model,
        partition: this.partition,
        created: 0,
        completed: 0,
        failed: 0,
        cancelled: 0,
        rejected: 0,
        steps: 0,
        activeMs: 0,
        agentActions: 0,
        modelCalls: 0,
        unpricedCalls: 0,
        input: 0,
        cacheRead: 0,
        cacheWrite: 0,
        output: 0,
        reasoning: 0,
        costNanoUsd: 0n,
      };
      this.#rows.set(key, row);
    }
    return row;
  }
}

/** The agent that an event is about: its node's, else the execution's. */
const agentOf = (view: ExecutionView, event: RecordedEvent, names: NodeNames): string =>
  ('node_id' in event.data ? names.nodes.get(event.data.node_id)?.agent?.agent_id : undefined) ?? view.agent_id ?? '';

import type { ExecutionView } from '@runlog/contract';
import type { RecordedEvent } from '@runlog/execution';
import { isTerminalStatus } from '@runlog/read-model';

export interface UsageRow {
  readonly day: string;
  readonly workspaceId: string;
  readonly workflowId: string;
  readonly agentId: string;
  readonly partition: number;
  created: number;
  completed: number;
  failed: number;
  cancelled: number;
  rejected: number;
  steps: number;
  activeMs: number;
}

interface Counters {
  readonly steps: number;
  readonly activeMs: number;
}

const DAY_MS = 86_400_000;

/** Adds up what a batch used, per UTC day of the event, workspace, workflow and agent. */
export class Usage {
  readonly #rows = new Map<string, UsageRow>();

  constructor(private readonly partition: number) {}

  get rows(): UsageRow[] {
    return [...this.#rows.values()];
  }

  before(view: ExecutionView | undefined): Counters {
    return { steps: view?.n_steps ?? 0, activeMs: view?.active_ms ?? 0 };
  }

  after(before: Counters, view: ExecutionView, event: RecordedEvent): void {
    const steps = view.n_steps - before.steps;
    const activeMs = view.active_ms - before.activeMs;
    const turnedTerminal = isTerminalStatus(view.status) && event.type.startsWith('Execution') && event.type !== 'ExecutionFaulted' && event.type !== 'ExecutionSuperseded';
    if (event.version > 1 && steps === 0 && activeMs === 0 && !turnedTerminal) return;
    const row = this.#row(view, event.at);
    if (event.version === 1) row.created++;
    row.steps += steps;
    row.activeMs += activeMs;
    if (turnedTerminal) row[view.status as 'completed' | 'failed' | 'cancelled' | 'rejected']++;
  }

  #row(view: ExecutionView, at: number): UsageRow {
    const day = Math.floor(at / DAY_MS);
    const key = `${day}/${view.workspace_id}/${view.workflow_id}/${view.agent_id ?? ''}`;
    let row = this.#rows.get(key);
    if (!row) {
      row = {
        day: new Date(day * DAY_MS).toISOString().slice(0, 10),
        workspaceId: view.workspace_id,
        workflowId: view.workflow_id,
        agentId: view.agent_id ?? '',
        partition: this.partition,
        created: 0,
        completed: 0,
        failed: 0,
        cancelled: 0,
        rejected: 0,
        steps: 0,
        activeMs: 0,
      };
      this.#rows.set(key, row);
    }
    return row;
  }
}

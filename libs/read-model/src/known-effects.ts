import type { EffectView, KnownEffect, NodeStatus } from '@runlog/contract';
import type { BodyReference, EffectSource } from '@runlog/execution';
import type { EffectRule } from '@runlog/workflow';
import type { Sql } from './database.js';
import { isTerminalStatus } from './fold/status.js';

/** A node that began an effect, with what it gave. */
export interface EffectRow {
  /** Where it ran, and that execution's version. */
  readonly execution_id: string;
  readonly version: number;
  readonly node_id: string;
  readonly status: NodeStatus;
  readonly branch: string | null;
  readonly effect: EffectView;
  /** As JSON text. */
  readonly output: string | null;
  readonly output_ref: BodyReference | null;
  readonly reused_from: EffectSource | null;
}

type Found = { readonly [Member in keyof EffectRow]: EffectRow[Member] | null };

const columns = `n.node_id, n.status, n.state ->> 'branch' as branch, n.state -> 'effect' as effect, n.output::text as output,
  n.state -> 'output_ref' as output_ref, n.state -> 'reused_from' as reused_from`;

/** Which of the nodes began their effects, in this execution or where it reused them from; null: it has not ended, so that there may be more to know. */
export const effectsOf = async (sql: Sql, executionId: string, nodes: readonly string[]): Promise<EffectRow[] | null> => {
  const own = await sql.query<Found & { readonly execution_status: NodeStatus; readonly is_replay: boolean }>(
    `select e.id as execution_id, e.version, e.status as execution_status, e.settled ->> 'replay_of' is not null as is_replay, ${columns}
     from executions e left join execution_nodes n on n.execution_id = e.id and n.node_id = any($2) where e.id = $1`,
    [executionId, nodes],
    'effects-of',
  );
  const [first] = own;
  if (!first || !isTerminalStatus(first.execution_status as never)) return null;
  const reused = first.is_replay
    ? await sql.query<Found>(
        `select n.execution_id, (e.value::json ->> 'source_version')::int as version, ${columns}
         from execution_events e cross join lateral json_array_elements_text(e.value::json -> 'nodes') as r(node_id)
         join execution_nodes n on n.execution_id = (e.value::json ->> 'source_execution_id')::uuid and n.node_id = r.node_id
         where e.execution_id = $1 and e.type = 'NodeReused' and r.node_id = any($2)`,
        [executionId, nodes],
        'effects-of-reused',
      )
    : [];
  return [...own, ...reused].filter((row) => row.effect !== null) as EffectRow[];
};

/**
 * What a retry or replay finds of a node's effect: its receipt, or only that it was begun under a key. null: nothing, or that it failed and is
 * begun anew; where the target tells repeats by the key, that is under the same one.
 */
export const heritageOf = ({ standing, hasReceipt }: Pick<KnownEffect, 'standing' | 'hasReceipt'>, declared: EffectRule['class'] | undefined): 'receipt' | 'begun' | null => {
  if (declared === undefined) return null;
  if (standing === 'failed') return declared === 'keyed' ? 'begun' : null;
  return hasReceipt ? 'receipt' : 'begun';
};

export const knownEffect = ({ node_id, status, effect: { standing, receipt } }: EffectRow): KnownEffect => ({
  node_id,
  standing,
  hasReceipt: standing === 'recorded' && (receipt !== undefined || status === 'completed'),
});

import type { EffectView } from '@runlog/contract';
import type { BodyReference, EffectSource, ExecutionCommand, ExecutionId, InheritedEffect, Json, NodeId, Receipt } from '@runlog/execution';
import { isTerminalStatus, type Sql } from '@runlog/read-model';
import type { Workflow } from '@runlog/workflow';
import type { Received } from './decision.js';
import type { Residents } from './residents.js';
import type { Workflows } from './workflows.js';

interface Parts {
  readonly database: Sql;
  readonly workflows: Pick<Workflows, 'known'>;
  readonly residents: Pick<Residents, 'get'>;
}

/** Whose effects an execution takes over as it begins. */
interface Inheriting {
  readonly source: ExecutionId;
  readonly nodes: readonly NodeId[];
  readonly workflow: Workflow;
}

/** It is the beginning of a retry, or of a replay that takes effects over. */
export const mayInherit = (command: ExecutionCommand): boolean =>
  command.type === 'ReleaseExecution' || (command.type === 'CreateExecution' && !command.held && (command.created.retry_of !== null || command.effects !== undefined));

/** The commands, those that begin with effects of an earlier execution with what is known of these. */
export const withInherited = async (received: readonly Received[], parts: Parts): Promise<readonly Received[]> => {
  const whole: Received[] = [];
  for (const one of received) {
    const inheriting = mayInherit(one.command) ? inheritingOf(one.command, received, parts) : undefined;
    const inherited = inheriting && (await fetchInherited(parts.database, inheriting));
    if (!inheriting) whole.push(one);
    else whole.push(inherited ? { ...one, command: { ...one.command, inherited } as ExecutionCommand } : { ...one, isEarly: true });
  }
  return whole;
};

/** A retry takes over all that is declared, a replay what it names. */
const inheritingOf = ({ executionId, ...command }: ExecutionCommand, received: readonly Received[], { workflows, residents }: Parts): Inheriting | undefined => {
  const live = residents.get(executionId);
  // What a release concerns may have been created in the same batch.
  const create = received.find((one) => one.command.type === 'CreateExecution' && one.command.executionId === executionId)?.command;
  const created = live?.execution.created ?? (create?.type === 'CreateExecution' ? create.created : undefined);
  const workflow = live?.workflow ?? (created && workflows.known(created.workflow_version_id));
  const named = command.type === 'CreateExecution' ? command.effects : undefined;
  const source = named?.of ?? created?.retry_of;
  if (!source || !workflow) return undefined;
  const nodes = [...workflow.nodes.values()].flatMap(({ id, effect }) => (effect && (!named || named.nodes.includes(id)) ? [id] : []));
  return nodes.length > 0 ? { source, nodes, workflow } : undefined;
};

interface NodeRow {
  readonly execution_id: ExecutionId;
  readonly version: number;
  readonly node_id: NodeId;
  readonly status: string;
  readonly branch: string | null;
  readonly effect: EffectView | null;
  readonly output: string | null;
  readonly output_ref: BodyReference | null;
  readonly reused_from: EffectSource | null;
}

const columns = `n.node_id, n.status, n.state ->> 'branch' as branch, n.state -> 'effect' as effect, n.output::text as output,
  n.state -> 'output_ref' as output_ref, n.state -> 'reused_from' as reused_from`;

/** What the read model knows of these effects; null: not yet that the source has ended, so that there may be more to know. */
const fetchInherited = async (sql: Sql, { source, nodes, workflow }: Inheriting): Promise<InheritedEffect[] | null> => {
  const own = await sql.query<NodeRow & { readonly execution_status: string; readonly is_replay: boolean; readonly node_id: NodeId | null }>(
    `select e.id as execution_id, e.version, e.status as execution_status, e.settled ->> 'replay_of' is not null as is_replay, ${columns}
     from executions e left join execution_nodes n on n.execution_id = e.id and n.node_id = any($2) where e.id = $1`,
    [source, nodes],
    'engine_inherited_effects',
  );
  const [first] = own;
  if (!first || !isTerminalStatus(first.execution_status as never)) return null;
  const reused = first.is_replay
    ? await sql.query<NodeRow>(
        `select n.execution_id, (e.value::json ->> 'source_version')::int as version, ${columns}
         from execution_events e cross join lateral json_array_elements_text(e.value::json -> 'nodes') as r(node_id)
         join execution_nodes n on n.execution_id = (e.value::json ->> 'source_execution_id')::uuid and n.node_id = r.node_id
         where e.execution_id = $1 and e.type = 'NodeReused' and r.node_id = any($2)`,
        [source, nodes],
        'engine_inherited_reused',
      )
    : [];
  return [...own, ...reused].flatMap((row) => (row.node_id === null ? [] : (inheritedFrom(row, workflow) ?? [])));
};

const inheritedFrom = (row: NodeRow, workflow: Workflow): InheritedEffect | undefined => {
  const { node_id: node, effect, reused_from } = row;
  if (!effect) return undefined;
  const from = effect.from ?? reused_from ?? { execution_id: row.execution_id, version: row.version };
  const begun = { node, key: effect.key, from };
  const receipt = effect.standing === 'recorded' ? receiptOf(row, effect) : undefined;
  if (receipt) return { ...begun, receipt };
  // Known to have failed: it begins anew, and where its target tells repeats by the key, under the same one.
  return effect.standing === 'failed' && workflow.nodes.get(node)?.effect?.class !== 'keyed' ? undefined : begun;
};

/** Undefined: it was had, but what it gave could not be kept. */
const receiptOf = ({ status, output, output_ref, branch }: NodeRow, { receipt, receipt_ref, branch: kept }: EffectView): Receipt | undefined => {
  if (receipt !== undefined) return { output: receipt, ...(receipt_ref ? { outputRef: receipt_ref } : {}), ...(kept === undefined ? {} : { branch: kept }) };
  if (status !== 'completed') return undefined;
  return { output: output === null ? null : (JSON.parse(output) as Json), ...(output_ref ? { outputRef: output_ref } : {}), ...(branch === null ? {} : { branch }) };
};

import type { ExecutionCommand, ExecutionId, InheritedEffect, Json, NodeId, Receipt } from '@runlog/execution';
import { type EffectRow, effectsOf, heritageOf, knownEffect, type Sql } from '@runlog/read-model';
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

/** What the read model knows of these effects; null: not yet that the source has ended, so that there may be more to know. */
const fetchInherited = async (sql: Sql, { source, nodes, workflow }: Inheriting): Promise<InheritedEffect[] | null> => {
  const rows = await effectsOf(sql, source, nodes);
  return rows?.flatMap((row) => inheritedFrom(row, workflow) ?? []) ?? null;
};

const inheritedFrom = (row: EffectRow, workflow: Workflow): InheritedEffect | undefined => {
  const { node_id: node, effect, reused_from } = row;
  const begun = { node, key: effect.key, from: effect.from ?? reused_from ?? { execution_id: row.execution_id, version: row.version } };
  const heritage = heritageOf(knownEffect(row), workflow.nodes.get(node)?.effect?.class);
  if (heritage === 'receipt') return { ...begun, receipt: receiptOf(row) };
  return heritage === 'begun' ? begun : undefined;
};

const receiptOf = ({ output, output_ref, branch, effect: { receipt, receipt_ref, branch: kept } }: EffectRow): Receipt => {
  if (receipt !== undefined) return { output: receipt, ...(receipt_ref ? { outputRef: receipt_ref } : {}), ...(kept === undefined ? {} : { branch: kept }) };
  return { output: output === null ? null : (JSON.parse(output) as Json), ...(output_ref ? { outputRef: output_ref } : {}), ...(branch === null ? {} : { branch }) };
};

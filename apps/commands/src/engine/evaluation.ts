import { type BodyReference, defaultValue, type Evaluation, type ExecutionCommand, type ExpressionScope, type Json, type Outcome, scopeOf } from '@runlog/execution';
import {
  type CompiledNode,
  delayUntil,
  evaluate,
  evaluateAtOnce,
  failureOf,
  givesWhole,
  openGate,
  runPure,
  runPureAtOnce,
  type Scope,
  type Seed,
  type Workflow,
} from '@runlog/workflow';
import type { Live } from './live.js';
import type { StoredBodies } from './stored-bodies.js';

/**
 * Runs a pure node or an expression on the execution's state. Time and randomness inside it are seeded by the command, so that the
 * same command on the same state gives the same bytes. An expression that fails is an outcome; anything else thrown is a bug.
 */
export const outcomeOf = async ({ execution, workflow }: Live, evaluation: Evaluation, command: ExecutionCommand, stored: StoredBodies): Promise<Outcome> => {
  const seen = scopeOf(execution, workflow, evaluation.node);
  const node = evaluation.node === null ? null : workflow.nodes.get(evaluation.node);
  if (node === undefined) throw new Error(`Expected node '${evaluation.node}' in workflow version '${workflow.versionId}', but it has none`);
  const reference = unchanged(node, evaluation, workflow, seen);
  if (reference) return { output: null, reference };
  const scope = await stored.whole(execution.workspaceId, seen);
  if ('error' in scope) return scope;
  const seed = { at: command.at, commandId: command.id };
  if (node === null) return outputOf(workflow, scope, seed);
  if (evaluation.purpose === 'pure') return runPure(node, scope, seed);
  if (evaluation.purpose === 'gate') {
    const opened = await openGate(node, scope, seed);
    return 'error' in opened ? opened : { output: opened.gate as unknown as Json };
  }
  const delay = await delayUntil(node, scope, seed);
  return 'error' in delay ? delay : { output: { until: delay.until } };
};

/** The same for most nodes and outputs, of which nothing need be waited for; undefined for the others. */
export const outcomeAtOnce = ({ execution, workflow }: Live, { purpose, node: id }: Evaluation): Outcome | undefined => {
  if (purpose === 'gate' || purpose === 'delay') return undefined;
  const scope = scopeOf(execution, workflow, id);
  if (scope.bodies) return undefined;
  if (id !== null) {
    const node = workflow.nodes.get(id);
    return node && runPureAtOnce(node, scope);
  }
  const { output: text } = workflow.definition;
  const output = text === undefined ? defaultValue(scope.nodes, workflow) : evaluateAtOnce(text, scope);
  return output === undefined ? undefined : { output };
};

/** The stored body that the evaluation gives just as it is, so that nobody has to read it. */
const unchanged = (node: CompiledNode | null, { purpose }: Evaluation, workflow: Workflow, { nodes, bodies }: ExpressionScope): BodyReference | undefined => {
  if (!bodies) return undefined;
  const ofNode = (id: string | undefined) => (id !== undefined && Object.hasOwn(bodies.nodes, id) ? bodies.nodes[id] : undefined);
  if (node?.type === 'merge') {
    const [only, ...others] = Object.keys(bodies.nodes);
    return others.length === 0 && Object.keys(nodes).length === 0 && node.incoming.every(({ branch }) => branch === undefined) ? ofNode(only) : undefined;
  }
  if (node === null && workflow.settings.output_schema !== undefined) return undefined;
  if (node === null && workflow.definition.output === undefined) return workflow.last.length === 1 ? ofNode(workflow.last[0]) : undefined;
  const text = node === null ? workflow.definition.output : purpose === 'pure' && node.type === 'transform' ? String(node.definition.config.expression) : undefined;
  const given = text === undefined ? undefined : givesWhole(text);
  return given === 'input' ? bodies.input : ofNode(given?.node);
};

const outputOf = async (workflow: Workflow, scope: Scope, seed: Seed): Promise<Outcome> => {
  if (workflow.definition.output === undefined) return { output: defaultValue(scope.nodes, workflow) };
  try {
    return { output: await evaluate(workflow.definition.output, scope, seed) };
  } catch (error) {
    return { error: failureOf(error) };
  }
};

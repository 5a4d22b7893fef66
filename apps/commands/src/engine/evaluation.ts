import { type Evaluation, type ExecutionCommand, type Outcome, scopeOf } from '@runlog/execution';
import { evaluate, ExpressionFailed, resolveConfig, runPure } from '@runlog/workflow';
import type { Live } from './live.js';

/**
 * Runs a pure node or an expression on the execution's state. Time and randomness inside it are seeded by the command, so that the
 * same command on the same state gives the same bytes. An expression that fails is an outcome; anything else thrown is a bug.
 */
export const outcomeOf = async ({ execution, workflow }: Live, evaluation: Evaluation, command: ExecutionCommand): Promise<Outcome> => {
  const scope = scopeOf(execution, workflow, evaluation.node);
  const seed = { at: command.at, commandId: command.id };
  const node = evaluation.node === null ? undefined : workflow.nodes.get(evaluation.node);
  try {
    if (!node) return { output: await evaluate(workflow.definition.output ?? 'null', scope, seed) };
    if (evaluation.purpose === 'pure') return await runPure(node, scope, seed);
    return { output: await resolveConfig(node.definition, scope, { ...seed, commandId: `${command.id}/${node.id}` }) };
  } catch (error) {
    if (!(error instanceof ExpressionFailed)) throw error;
    return { error: { code: error.code, message: error.message } };
  }
};

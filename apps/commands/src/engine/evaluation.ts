import { type Evaluation, type ExecutionCommand, type Json, type Outcome, scopeOf } from '@runlog/execution';
import { delayUntil, evaluate, failureOf, openGate, runPure, type Scope, type Seed } from '@runlog/workflow';
import type { Live } from './live.js';

/**
 * Runs a pure node or an expression on the execution's state. Time and randomness inside it are seeded by the command, so that the
 * same command on the same state gives the same bytes. An expression that fails is an outcome; anything else thrown is a bug.
 */
export const outcomeOf = async ({ execution, workflow }: Live, evaluation: Evaluation, command: ExecutionCommand): Promise<Outcome> => {
  const scope = scopeOf(execution, workflow, evaluation.node);
  const seed = { at: command.at, commandId: command.id };
  if (evaluation.purpose === 'output') return outputOf(workflow.definition.output ?? 'null', scope, seed);
  const node = workflow.nodes.get(evaluation.node);
  if (!node) throw new Error(`Expected node '${evaluation.node}' in workflow version '${workflow.versionId}', but it has none`);
  if (evaluation.purpose === 'pure') return runPure(node, scope, seed);
  if (evaluation.purpose === 'gate') {
    const opened = await openGate(node, scope, seed);
    return 'error' in opened ? opened : { output: opened.gate as unknown as Json };
  }
  const delay = await delayUntil(node, scope, seed);
  return 'error' in delay ? delay : { output: { until: delay.until } };
};

const outputOf = async (expression: string, scope: Scope, seed: Seed): Promise<Outcome> => {
  try {
    return { output: await evaluate(expression, scope, seed) };
  } catch (error) {
    return { error: failureOf(error) };
  }
};

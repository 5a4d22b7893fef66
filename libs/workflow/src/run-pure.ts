import { predecessorOf } from './compile.js';
import type { Json } from './definition.js';
import { evaluate, evaluateAtOnce } from './expression/evaluate.js';
import { ExpressionFailed } from './expression/expression-failed.js';
import type { CompiledNode } from './graph.js';
import type { Scope, Seed } from './scope.js';

export type Outcome = { readonly output: Json; readonly branch?: string } | { readonly error: { readonly code: string; readonly message: string } };

/** Runs a transform, condition, switch or merge. Never throws: what is wrong with the node is its error. */
export async function runPure(node: CompiledNode, scope: Scope, seed: Seed): Promise<Outcome> {
  try {
    if (node.type === 'merge') return { output: merged(node, scope) };
    return gave(node, await evaluate(String(node.definition.config.expression), scope, { ...seed, commandId: `${seed.commandId}/${node.id}` }));
  } catch (error) {
    return { error: failureOf(error) };
  }
}

/** What `runPure` would give, where its expression takes no JSONata; undefined: ask it. */
export function runPureAtOnce(node: CompiledNode, scope: Scope): Outcome | undefined {
  if (node.type === 'merge') return { output: merged(node, scope) };
  const value = evaluateAtOnce(String(node.definition.config.expression), scope);
  return value === undefined ? undefined : gave(node, value);
}

/** With the branch that the value chooses. */
function gave(node: CompiledNode, value: Json): Outcome {
  if (node.type === 'condition') {
    const truth = isTruthy(value);
    return { output: truth, branch: String(truth) };
  }
  return node.type === 'switch' ? { output: value, branch: caseOf(node, value) } : { output: value };
}

/** Code and message of what evaluation threw; anything but an `ExpressionFailed` is a bug and is thrown on. */
export function failureOf(error: unknown): { code: string; message: string } {
  if (error instanceof ExpressionFailed) return { code: error.code, message: error.message };
  throw error;
}

/** The truth of a value as JSONata's `? :` takes it. */
export const isTruthy = (value: Json): boolean => {
  if (Array.isArray(value)) return value.some(isTruthy);
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
};

function caseOf(node: CompiledNode, value: Json): string {
  const cases = node.definition.config.cases;
  if (typeof value === 'object' || !Array.isArray(cases)) return 'default';
  const written = String(value);
  return cases.some((name) => String(name) === written) ? written : 'default';
}

/** The outputs of the nodes that came in over an open edge, by id; of a single one, its output itself; of none, null. */
function merged(node: CompiledNode, scope: Scope): Json {
  const outputs: { [id: string]: Json } = {};
  for (const edge of node.incoming) {
    const output = scope.nodes[edge.from];
    if (output === undefined || !Object.hasOwn(scope.nodes, edge.from)) continue;
    const from = predecessorOf(node, edge);
    if (edge.branch === undefined || from === undefined || branchChosen(from, output) === edge.branch) outputs[edge.from] = output;
  }
  const values = Object.values(outputs);
  return values.length > 1 ? outputs : (values[0] ?? null);
}

/** The branch that a completed node took, told from its output. */
function branchChosen(node: CompiledNode, output: Json): string | undefined {
  if (node.type === 'condition') return String(output);
  if (node.type === 'switch') return caseOf(node, output);
  if (node.gate) return (output as { decision?: Json }).decision === 'approve' ? 'approved' : 'rejected';
  return undefined;
}

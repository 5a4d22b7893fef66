import type { Json, NodeDefinition } from './definition.js';
import { resolveTemplates } from './expression/templates.js';
import { templateIn } from './kinds/kind.js';
import { kinds } from './kinds/registry.js';
import type { Scope, Seed } from './scope.js';

/** A node's config with the templates of its kind resolved: those members only, so that JavaScript and schemas stay as they are. */
export async function resolveConfig(node: Pick<NodeDefinition, 'type' | 'config'>, scope: Scope, seed: Seed): Promise<{ [member: string]: Json }> {
  const config: { [member: string]: Json } = { ...node.config };
  const kind = kinds.get(node.type);
  for (const member of kind?.templates ?? []) {
    const value = kind && templateIn(kind, config, member);
    if (value !== undefined) config[member] = await resolveTemplates(value, scope, { ...seed, commandId: `${seed.commandId}/${member}` });
  }
  return config;
}

import type { Json } from './definition.js';
import { ExpressionFailed } from './expression/expression-failed.js';
import type { CompiledNode } from './graph.js';
import { resolveConfig } from './resolve-config.js';
import { failureOf } from './run-pure.js';
import { validateJson } from './schema/validate-json.js';
import type { Scope, Seed } from './scope.js';

/** What a gate asks and who may answer, with every default filled in. Times are in seconds from when it opens. */
export interface GateConfig {
  readonly prompt: string;
  /** JSON Schema of the answer; null: any answer, or none, will do. */
  readonly schema: Json;
  /** null: nobody is named, and whoever may edit may answer. */
  readonly approvers: { readonly users: readonly string[]; readonly roles: readonly string[]; readonly needed: number; readonly exclude_starter: boolean } | null;
  readonly expires_in_seconds: number | null;
  readonly on_expiry: 'approve' | 'reject' | 'fail' | { readonly answer: Json };
  readonly on_reject: 'reject' | 'fail' | 'branch';
  readonly reminders_seconds: readonly number[];
}

/** Fills in the defaults of a resolved gate config. `on_expiry` is 'fail' and `on_reject` 'reject' unless they are given. */
export function gateConfig(config: { readonly [member: string]: Json }): GateConfig {
  const approvers = config.approvers as { users?: string[]; roles?: string[]; needed?: number; exclude_starter?: boolean } | undefined;
  const expires = config.expires_in_seconds === undefined ? null : Number(config.expires_in_seconds);
  return {
    prompt: written(config.prompt),
    schema: config.schema ?? null,
    approvers: approvers
      ? { users: approvers.users ?? [], roles: approvers.roles ?? [], needed: approvers.needed ?? 1, exclude_starter: approvers.exclude_starter ?? false }
      : null,
    expires_in_seconds: expires,
    on_expiry: (config.on_expiry as GateConfig['on_expiry'] | undefined) ?? 'fail',
    on_reject: (config.on_reject as GateConfig['on_reject'] | undefined) ?? 'reject',
    reminders_seconds: [...((config.reminders_seconds as number[] | undefined) ?? [])].sort((a, b) => a - b),
  };
}

const written = (prompt: Json | undefined): string => (typeof prompt === 'string' ? prompt : JSON.stringify(prompt ?? null));

/** Of a gate's resolved config as JSON: it is recorded, and read by people. */
const maxGateChars = 262_144;

const resolvedShape: Json = {
  type: 'object',
  properties: {
    approvers: {
      type: 'object',
      properties: { users: { type: 'array', items: { type: 'string' } }, roles: { type: 'array', items: { type: 'string' } } },
    },
    expires_in_seconds: { type: 'number', minimum: 0, maximum: 31_536_000 },
  },
};

/** Resolves the templates of a gate's config. Never throws: what is wrong with it is the node's error. */
export async function openGate(
  node: CompiledNode,
  scope: Scope,
  seed: Seed,
): Promise<{ readonly gate: GateConfig } | { readonly error: { readonly code: string; readonly message: string } }> {
  try {
    const config = await resolveConfig(node.definition, scope, { ...seed, commandId: `${seed.commandId}/${node.id}` });
    const [problem] = validateJson(resolvedShape, config);
    if (problem) throw new ExpressionFailed('expression_failed', `Expected to open gate '${node.id}', but of ${problem.pointer}: ${problem.detail}`);
    const { length } = JSON.stringify(config);
    if (length > maxGateChars)
      throw new ExpressionFailed('expression_too_large', `Expected to open gate '${node.id}' with at most ${maxGateChars} characters of config, but it has ${length}`);
    return { gate: gateConfig(config) };
  } catch (error) {
    return { error: failureOf(error) };
  }
}

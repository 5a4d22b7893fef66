import { ExpressionFailed } from './expression/expression-failed.js';
import type { CompiledNode } from './graph.js';
import { MAX_WAIT_SECONDS } from './kinds/delay.js';
import { resolveConfig } from './resolve-config.js';
import { failureOf } from './run-pure.js';
import type { Scope, Seed } from './scope.js';

/** When a delay that begins at `seed.at` ends, in milliseconds since 1970; an instant in the past ends at once. Never throws. */
export async function delayUntil(
  node: CompiledNode,
  scope: Scope,
  seed: Seed,
): Promise<{ readonly until: number } | { readonly error: { readonly code: string; readonly message: string } }> {
  try {
    const { seconds, until } = await resolveConfig(node.definition, scope, { ...seed, commandId: `${seed.commandId}/${node.id}` });
    const end = until === undefined ? seed.at + Number(seconds) * 1000 : typeof until === 'number' ? until : Date.parse(String(until));
    if (!Number.isFinite(end) || typeof (until ?? seconds) === 'boolean' || (until ?? seconds) === null)
      throw new ExpressionFailed(
        'expression_failed',
        `Expected to delay '${node.id}', but ${JSON.stringify(until ?? seconds ?? null)} is no ${until === undefined ? 'number of seconds' : 'instant'}`,
      );
    if (end > seed.at + MAX_WAIT_SECONDS * 1000) throw new ExpressionFailed('expression_failed', `Expected to delay '${node.id}', but its end is more than a year away`);
    return { until: Math.max(seed.at, Math.round(end)) };
  } catch (error) {
    return { error: failureOf(error) };
  }
}

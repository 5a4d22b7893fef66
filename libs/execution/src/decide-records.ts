import type { CallRecord } from './agent-calls.js';
import type { ExecutionEvent } from './events.js';
import type { Execution } from './execution.js';
import type { NodeId } from './ids.js';

/** What calls of an agent came to, and what they used. A call that has its receipt keeps it: nothing is recorded of it a second time. */
export const told = (
  records: readonly CallRecord[] | undefined,
  { node, attempt }: { readonly node: NodeId; readonly attempt: number },
  execution: Execution,
): ExecutionEvent[] => {
  if (!records || records.length === 0) return [];
  const calls = execution.journals.get(node)?.calls;
  const seen = new Set<string>();
  return records.flatMap(({ key, receipt, receipt_ref, error, used }): ExecutionEvent[] => {
    const known = calls?.get(key);
    if (known?.standing === 'recorded' || seen.has(key)) return [];
    seen.add(key);
    const about = { node_id: node, attempt, key };
    const { kind, name, arguments_sha256 } = known ?? { kind: 'session' as const, name: key };
    const call = { kind, name, ...(arguments_sha256 === undefined ? {} : { arguments_sha256 }), ...(error ? { error } : {}) };
    const recorded: ExecutionEvent = { type: 'EffectRecorded', data: { ...about, receipt, ...(receipt_ref ? { receipt_ref } : {}), call } };
    return used && !known?.isMetered ? [{ type: 'TokensUsed', data: { ...about, ...used } }, recorded] : [recorded];
  });
};

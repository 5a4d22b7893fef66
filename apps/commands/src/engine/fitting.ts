import type { ExecutionEvent } from '@runlog/execution';

/** An event with the bytes of its value. */
export interface Draft {
  readonly event: ExecutionEvent;
  readonly value: string;
  readonly bytes: number;
}

/**
 * The event's value as it will be stored. A result that no record holds becomes a failure: of the node that gave it, or of the execution
 * whose output it is. @throws when an event of any other type is too large.
 */
export const fitting = (event: ExecutionEvent, limitBytes: number): Draft => {
  const draft = draftOf(event);
  if (draft.bytes <= limitBytes) return draft;
  const message = `Expected a result of at most ${limitBytes} bytes, but got ${draft.bytes}`;
  if (event.type === 'ExecutionCompleted') return draftOf({ type: 'ExecutionFailed', data: { error: message, error_code: 'output_too_large', error_node_id: null } });
  if (event.type !== 'NodeCompleted') throw new Error(`Expected ${event.type} to take at most ${limitBytes} bytes, but it takes ${draft.bytes}`);
  const { node_id, attempt, inline } = event.data;
  const error = { code: 'output_too_large', message, retryable: false };
  return draftOf({ type: 'NodeFailed', data: { node_id, attempt, error, final: true, ...(inline ? { inline } : {}) } });
};

const draftOf = (event: ExecutionEvent): Draft => {
  const value = JSON.stringify(event.data);
  return { event, value, bytes: Buffer.byteLength(value) };
};

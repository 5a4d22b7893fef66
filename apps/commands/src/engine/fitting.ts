import { type BodyReference, bodyOf, type ExecutionEvent, largestInlineBytes, withReference } from '@runlog/execution';

/** An event with the bytes of its value. */
export interface Draft {
  readonly event: ExecutionEvent;
  readonly value: string;
  readonly bytes: number;
}

/** Where bodies go that are too large for an event, and the largest it takes. */
export interface BodyStorage {
  readonly limitBytes: number;
  put(text: string): Promise<BodyReference>;
}

/** The event's value where it is as small as nearly all are; null: see `fitting`. */
export const small = (event: ExecutionEvent): Draft | null => {
  const draft = draftOf(event);
  return draft.bytes <= largestInlineBytes ? draft : null;
};

/**
 * The event's value as it will be recorded, a large body stored and referred to. A result that is too large even for the store becomes a
 * failure: of the node that gave it, or of the execution whose output it is. @throws when an event is too large for another reason.
 */
export const fitting = async (event: ExecutionEvent, limitBytes: number, storage: BodyStorage): Promise<Draft> => {
  const body = bodyOf(event);
  const text = body ? JSON.stringify(body.value) : '';
  const bytes = Buffer.byteLength(text);
  if (bytes > largestInlineBytes) {
    if (bytes > storage.limitBytes) return failed(event, bytes, storage.limitBytes);
    return within(draftOf(withReference(event, await storage.put(text))), limitBytes);
  }
  return within(draftOf(event), limitBytes);
};

const within = (draft: Draft, limitBytes: number): Draft => {
  if (draft.bytes > limitBytes) throw new Error(`Expected ${draft.event.type} to take at most ${limitBytes} bytes, but it takes ${draft.bytes}`);
  return draft;
};

const failed = (event: ExecutionEvent, bytes: number, limitBytes: number): Draft => {
  const message = `Expected a result of at most ${limitBytes} bytes, but got ${bytes}`;
  if (event.type === 'ExecutionCompleted') return draftOf({ type: 'ExecutionFailed', data: { error: message, error_code: 'output_too_large', error_node_id: null } });
  if (event.type === 'EffectRecorded') {
    const { receipt: _tooLarge, call, ...data } = event.data;
    const error = { code: 'output_too_large', message, retryable: false };
    return draftOf({ type: 'EffectRecorded', data: call ? { ...data, receipt: null, call: { ...call, error } } : data });
  }
  if (event.type !== 'NodeCompleted') throw new Error(`Expected the body of ${event.type} to have at most ${limitBytes} bytes, but it has ${bytes}`);
  const { node_id, attempt, inline } = event.data;
  const error = { code: 'output_too_large', message, retryable: false };
  return draftOf({ type: 'NodeFailed', data: { node_id, attempt, error, final: true, ...(inline ? { inline } : {}) } });
};

const draftOf = (event: ExecutionEvent): Draft => {
  const value = JSON.stringify(event.data);
  return { event, value, bytes: Buffer.byteLength(value) };
};

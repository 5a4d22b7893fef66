import { describe, expect, it } from '@jest/globals';
import type { ExecutionEvent } from '@runlog/execution';
import { fitting, small } from './fitting.js';

const limitBytes = 200_000;
const stored: string[] = [];
const reference = { digest: 'sha256:aa', bytes: 70_002, media_type: 'application/json' };
const storage = {
  limitBytes,
  put: async (text: string) => {
    stored.push(text);
    return reference;
  },
};
const drafted = (event: ExecutionEvent) => fitting(event, 100_000, storage);

describe('fitting', () => {
  it('keeps an event that fits, with its bytes', async () => {
    const event = { type: 'NodeCompleted', data: { node_id: 'a', attempt: 1, output: 'ü' } } as const;
    const value = '{"node_id":"a","attempt":1,"output":"ü"}';
    const draft = { event, value, bytes: value.length + 1 };
    expect(small(event)).toEqual(draft);
    expect(await drafted(event)).toEqual(draft);
  });
  it('stores a body above 64 KiB and refers to it', async () => {
    const output = 'x'.repeat(70_000);
    const event = { type: 'NodeCompleted', data: { node_id: 'a', attempt: 1, output, inline: true } } as const;
    expect(small(event)).toBeNull();
    expect((await drafted(event)).event).toEqual({ type: 'NodeCompleted', data: { node_id: 'a', attempt: 1, output: null, output_ref: reference, inline: true } });
    expect(stored).toEqual([JSON.stringify(output)]);
  });
  it('leaves what looks like a reference in a body as it is', async () => {
    const output = { output_ref: reference, output: null };
    const { event } = await drafted({ type: 'NodeCompleted', data: { node_id: 'a', attempt: 1, output } });
    expect(event.data).toEqual({ node_id: 'a', attempt: 1, output });
  });
  it('makes a result that even the store does not take a failure of its node', async () => {
    const { event } = await drafted({ type: 'NodeCompleted', data: { node_id: 'a', attempt: 1, output: 'x'.repeat(limitBytes), inline: true } });
    expect(event).toMatchObject({ type: 'NodeFailed', data: { node_id: 'a', attempt: 1, final: true, inline: true, error: { code: 'output_too_large', retryable: false } } });
  });
  it('makes such an output a failure of the execution', async () => {
    const { event } = await drafted({ type: 'ExecutionCompleted', data: { output: 'x'.repeat(limitBytes) } });
    expect(event).toMatchObject({ type: 'ExecutionFailed', data: { error_code: 'output_too_large' } });
  });
  it('throws on anything else that is too large', async () => {
    await expect(drafted({ type: 'ExecutionFailed', data: { error: 'x'.repeat(100_000), error_code: 'x', error_node_id: null } })).rejects.toThrow('at most 100000 bytes');
  });
});

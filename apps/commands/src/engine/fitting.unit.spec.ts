import { describe, expect, it } from '@jest/globals';
import { fitting } from './fitting.js';

describe('fitting', () => {
  it('keeps an event that fits, with its bytes', () => {
    const event = { type: 'NodeCompleted', data: { node_id: 'a', attempt: 1, output: 'ü' } } as const;
    const value = '{"node_id":"a","attempt":1,"output":"ü"}';
    expect(fitting(event, 1_000)).toEqual({ event, value, bytes: value.length + 1 });
  });
  it('makes a result that no record holds a failure of its node', () => {
    const { event } = fitting({ type: 'NodeCompleted', data: { node_id: 'a', attempt: 1, output: 'x'.repeat(2_000), inline: true } }, 1_000);
    expect(event).toMatchObject({ type: 'NodeFailed', data: { node_id: 'a', attempt: 1, final: true, inline: true, error: { code: 'output_too_large', retryable: false } } });
  });
  it('makes an output that no record holds a failure of the execution', () => {
    expect(fitting({ type: 'ExecutionCompleted', data: { output: 'x'.repeat(2_000) } }, 1_000).event).toMatchObject({
      type: 'ExecutionFailed',
      data: { error_code: 'output_too_large' },
    });
  });
  it('throws on anything else that is too large', () => {
    expect(() => fitting({ type: 'ExecutionFailed', data: { error: 'x'.repeat(2_000), error_code: 'x', error_node_id: null } }, 1_000)).toThrow('at most 1000 bytes');
  });
});

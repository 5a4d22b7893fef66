import { describe, expect, it } from '@jest/globals';
import { EgressDenied } from '../../egress/policy.js';
import { failureInStream, modelFailure, NoStream } from './model-failed.js';

const called = { provider: 'openai', name: 'gpt-5', host: 'api.test', secret: 'openai' };
const answered = (statusCode: number, responseBody = '', headers = {}) => Object.assign(new Error('it says no'), { statusCode, responseBody, responseHeaders: headers });
const broken = (code: string) => Object.assign(new Error('fetch failed'), { cause: Object.assign(new Error(`broken: ${code}`), { code }) });

describe('a failed model call', () => {
  it.each<[string, unknown, boolean, string, boolean, 'none' | 'unknown']>([
    ['a wrong key', answered(401), false, 'model_unauthorized', false, 'none'],
    ['an unknown model', answered(404), false, 'model_unknown', false, 'none'],
    ['an unknown model, said otherwise', answered(400, '{"error":{"code":"model_not_found"}}'), false, 'model_unknown', false, 'none'],
    ['a request that does not fit', answered(400), false, 'model_request_refused', false, 'none'],
    ['too many requests', answered(429), false, 'model_rate_limited', true, 'none'],
    ['no money left', answered(429, 'insufficient_quota'), false, 'model_quota_exhausted', false, 'none'],
    ['a server in trouble', answered(503), false, 'model_unavailable', true, 'none'],
    ['nobody there', broken('ECONNREFUSED'), false, 'model_unreachable', true, 'none'],
    ['a connection that broke before the answer', broken('ECONNRESET'), false, 'model_cut_off', true, 'unknown'],
    ['a connection that broke within it', broken('UND_ERR_SOCKET'), true, 'model_cut_off', true, 'unknown'],
    ['an address that has moved', answered(302), false, 'model_unknown', false, 'none'],
    ['a server that streams nothing', new NoStream('text/html'), false, 'model_unknown', false, 'unknown'],
    ['a place that is not to be reached', new EgressDenied('10.0.0.1', 'is not a public address'), false, 'model_forbidden', false, 'none'],
  ])('of %s', (_, thrown, isStreaming, code, retryable, work) => expect(modelFailure(thrown, called, isStreaming)).toMatchObject({ code, retryable, work }));

  it('says what to do, and how long to wait', () => {
    expect(modelFailure(answered(401), called, false).message).toContain('PUT /api/v1/secrets/openai');
    expect(modelFailure(answered(401), { ...called, secret: undefined }, false).message).toContain("name one in the model's 'secret'");
    expect(modelFailure(answered(503), called, false).message).toContain("'fallback'");
    expect(modelFailure(answered(400), called, false).message).toContain("'parameters'");
    expect(modelFailure(new NoStream('text/html'), called, false).message).toContain("'text/html' instead of a stream of events; see the agent's 'base_url'");
    expect(modelFailure(answered(429, '', { 'retry-after': '7' }), called, false).retryAfterMs).toBe(7_000);
  });

  it('may come in the stream', () => {
    expect(failureInStream({ type: 'overloaded_error', message: 'Overloaded' }, called)).toMatchObject({ code: 'model_unavailable', retryable: true });
    expect(failureInStream({ type: 'invalid_request_error', message: 'No' }, called)).toMatchObject({ code: 'model_request_refused', retryable: false });
    expect(failureInStream('it broke', called)).toMatchObject({ code: 'model_cut_off', retryable: true });
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Json } from '@runlog/execution';
import type { ToolDefinition } from '@runlog/workflow';
import { Egress } from '../../egress/egress.js';
import { Sandbox } from '../../sandbox/sandbox.js';
import { contextFor, failureOf, Sink } from '../../testing/fixture.js';
import { openTools } from './index.js';

describe('tools', () => {
  let egress: Egress;
  let sandbox: Sandbox;
  let sink: Sink;
  beforeAll(async () => {
    sandbox = new Sandbox(2);
    sink = await Sink.open((hit, response) => {
      response.statusCode = Number(/^\/status\/(\d+)/.exec(hit.path)?.[1] ?? 200);
      if (hit.path.startsWith('/away')) response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' });
      else response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ path: hit.path, authorization: hit.headers.authorization ?? null }));
    }, '127.0.0.1');
    egress = new Egress({ allow: [`127.0.0.1:${sink.port}`], denyPorts: [] });
  });
  afterAll(() => Promise.all([egress.close(), sandbox.close(), sink.close()]));
  beforeEach(() => void sink.hits.splice(0));

  const context = () => contextFor({}, { egress, sandbox, secrets: { KEY: 's3cr3t-key-of-the-shop' }, scope: { execution: { id: 'exec_1' } } });
  const opened = async (definition: Partial<ToolDefinition> & Pick<ToolDefinition, 'kind' | 'config'>) => {
    const [tool] = await openTools([{ name: 'it', ...definition }], context());
    return tool as NonNullable<typeof tool>;
  };
  const callIn = async (definition: Parameters<typeof opened>[0], args: Json, own = context()) =>
    (await opened(definition)).call(args, { ...own, idempotencyKey: 'exec_1:agent:m1.t1', repeats: 0 });
  const http = (config: ToolDefinition['config']) => ({ kind: 'http' as const, config });
  const at = (path: string) => `http://127.0.0.1:${sink.port}${path}`;

  describe('http', () => {
    it('puts arguments where the definition wants them', async () => {
      const config = {
        method: 'POST',
        url: at('/orders/{{ input.id }}'),
        query: { of: '{{ execution.id }}' },
        headers: { 'x-reason': 'because {{ input.reason }}' },
        body: { all: '{{ input }}' },
        auth: { type: 'bearer', secret: 'KEY' },
      };
      const own = context();
      const { output, summary } = await callIn(http(config), { id: 7, reason: 'late' }, own);
      expect(output).toEqual({ status: 200, body: { path: '/orders/7?of=exec_1', authorization: 'Bearer s3cr3t-key-of-the-shop' } });
      expect(summary).toBe('POST 200');
      expect(sink.hits).toMatchObject([
        { method: 'POST', path: '/orders/7?of=exec_1', headers: { 'x-reason': 'because late', 'idempotency-key': 'exec_1:agent:m1.t1' }, body: '{"all":{"id":7,"reason":"late"}}' },
      ]);
    });

    it('says the same key when a call is repeated, and none with what may be repeated anyway', async () => {
      const post = http({ method: 'POST', url: at('/') });
      await callIn(post, {});
      await callIn(post, {});
      await callIn(http({ url: at('/') }), {});
      expect(sink.hits.map((hit) => hit.headers['idempotency-key'])).toEqual(['exec_1:agent:m1.t1', 'exec_1:agent:m1.t1', undefined]);
    });

    it.each(['x/../../admin', '..%2fadmin', '1?all=true', '1#', '@169.254.169.254/', '\\..\\admin', 'a\r\nx: y', ' '])(
      'keeps the argument %j in its place in the path',
      async (id) => {
        await callIn(http({ url: at('/users/{{ input.id }}/orders') }), { id });
        expect(sink.hits.map((hit) => hit.path)).toEqual([`/users/${encodeURIComponent(id)}/orders`]);
      },
    );

    it('says so when an argument fits no expression', async () => {
      expect(await failureOf(callIn(http({ url: at('/users/{{ input.id }}') }), { id: '\u0000' }))).toMatchObject({ code: 'expression_failed', retryable: false });
    });

    it.each(['.', '..', '%2e%2E'])('refuses the argument %j, which would leave its place', async (id) => {
      const url = id.startsWith('%') ? at('/users/{{ $decodeUrlComponent(input.id) }}/orders') : at('/users/{{ input.id }}/orders');
      expect(await failureOf(callIn(http({ url }), { id }))).toMatchObject({ code: 'http_invalid' });
      expect(sink.hits).toEqual([]);
    });

    it.each([
      'http://127.0.0.1:1/',
      'http://localhost/',
      'http://[::1]/',
      'http://[::ffff:127.0.0.1]/',
      'http://2130706433/',
      'http://0x7f.1/',
      'http://169.254.169.254/latest/meta-data/iam',
      'http://10.0.0.1/?secret=all',
      'http://metadata.google.internal/',
      'file:///etc/passwd',
      'gopher://127.0.0.1/',
      'ftp://127.0.0.1/',
      'javascript:alert(1)',
      '//127.0.0.1/',
      'http://user:pass@example.com/',
    ])('does not reach %s, though the definition takes any URL', async (url) => {
      const { code } = await failureOf(callIn(http({ url: '{{ input.url }}' }), { url }));
      expect(['http_forbidden', 'http_invalid', 'http_unreachable']).toContain(code);
      expect(sink.hits).toEqual([]);
    });

    it('follows no redirect to a private place', async () => {
      expect(await failureOf(callIn(http({ url: at('/away') }), {}))).toMatchObject({ code: 'http_forbidden' });
    });

    it('tells the model what the server said', async () => {
      expect(await failureOf(callIn(http({ url: at('/status/404') }), {}))).toMatchObject({ code: 'http_status', message: expect.stringContaining('404: {"path"') });
      expect(await callIn(http({ url: at('/status/404'), expect_status: [404] }), {})).toMatchObject({ output: { status: 404 } });
    });

    it('sets no header that is the connection to say, nor a second one within a value', async () => {
      for (const headers of [{ 'x-a': '{{ input.v }}' }, { Host: '{{ input.v }}' }] as Record<string, string>[])
        expect(await failureOf(callIn(http({ url: at('/'), headers }), { v: 'a\r\nx-admin: yes' }))).toMatchObject({ code: 'http_invalid' });
      expect(sink.hits).toEqual([]);
    });
  });

  describe('code', () => {
    const code = (source: string, more: { timeout_ms?: number } = {}) => ({ kind: 'code' as const, config: { source }, ...more });

    it('is the body of a function of the arguments', async () => {
      expect(await callIn(code('return { sum: args.a + input.b, of: execution.id };'), { a: 1, b: 2 })).toEqual({ output: { sum: 3, of: 'exec_1' } });
      expect(await callIn(code('const args = 1; return args // its own'), {})).toEqual({ output: 1 });
    });

    it('names the line that failed, ends in time, and reaches nothing', async () => {
      expect(await failureOf(callIn(code('const a = 1;\nnull.x'), {}))).toMatchObject({ code: 'code_failed', message: expect.stringContaining('(line 2)') });
      expect(await failureOf(callIn(code('for (;;);', { timeout_ms: 200 }), {}))).toMatchObject({ code: 'code_timeout' });
      expect(await failureOf(callIn(code('return process.env'), {}))).toMatchObject({ code: 'code_failed' });
      expect(await failureOf(callIn(code('return eval(args.code)'), { code: 'fetch("http://127.0.0.1")' }))).toMatchObject({ code: 'code_failed' });
    });
  });

  describe('ask_human', () => {
    it('asks what the model wants to know, or what the definition says of it', async () => {
      const plain = await opened({ kind: 'ask_human', config: {} });
      expect(plain.inputSchema).toMatchObject({ required: ['question'] });
      expect(await plain.ask?.({ question: 'Blue or red?' })).toEqual({ prompt: 'Blue or red?' });
      expect(await plain.ask?.({ question: 'a\0b\ud800' })).toEqual({ prompt: 'a\ufffdb\ufffd' });
      const schema = { type: 'object', properties: { '{{ colour }}': {} } };
      const own = await opened({
        kind: 'ask_human',
        input_schema: { type: 'object' },
        config: { prompt: 'Which {{ input.what }} for {{ execution.id }}?', schema, approvers: { roles: ['admin'] } },
      });
      expect(await own.ask?.({ what: 'colour' })).toEqual({ prompt: 'Which colour for exec_1?', schema, approvers: { roles: ['admin'] } });
    });
  });

  it('opens approvals by what the definition says', async () => {
    const rules = async (approval: ToolDefinition['approval']) =>
      (await opened({ kind: 'code', config: { source: '' }, ...(approval === undefined ? {} : { approval }) })).needsApproval;
    expect(await rules(undefined)).toBeNull();
    expect(await rules(false)).toBeNull();
    expect(await rules(true)).toEqual({ prompt: "Run the tool 'it'?" });
    expect(await rules({ prompt: 'Pay?', expires_in_seconds: 60 })).toEqual({ prompt: 'Pay?', expires_in_seconds: 60 });
  });

  it('has each name once', async () => {
    const twice = { name: 'it', kind: 'code' as const, config: { source: '' } };
    expect(await failureOf(openTools([twice, twice], context()))).toMatchObject({ code: 'tool_ambiguous' });
  });
});

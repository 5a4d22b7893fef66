import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Json } from '@runlog/execution';
import { createLogger, isAlive } from '@runlog/platform';
import { until } from '@runlog/testing';
import { Egress } from '../../egress/egress.js';
import { contextFor, failureOf } from '../../testing/fixture.js';
import { openTools } from './index.js';
import { McpServers } from './mcp/mcp-servers.js';
import type { Tool } from './tool.js';

const program = resolve('tests/mcp/server.mjs');
const logger = createLogger('test', { logLevel: 'silent' });

describe('mcp', () => {
  let folder: string;
  let egress: Egress;
  let servers: McpServers;
  let called: ChildProcess;
  let url: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'runlog-mcp-'));
    await writeFile(
      join(folder, 'servers.json'),
      JSON.stringify({
        tests: { command: process.execPath, args: [program], env: { GIVEN: 'by the operator' } },
        broken: { command: process.execPath, args: ['-e', 'console.error("no licence"); process.exit(7)'] },
        missing: { command: './not-there' },
      }),
    );
    process.env.RUNLOG_CANARY = 'canary';
    ({ called, url } = await serve('--key', 'right-key-of-the-server'));
  });
  afterAll(async () => {
    delete process.env.RUNLOG_CANARY;
    called.kill('SIGKILL');
    await rm(folder, { recursive: true });
  });
  const start = (idleMs?: number) => new McpServers({ allowList: join(folder, 'servers.json'), egress, logger, ...(idleMs === undefined ? {} : { idleMs }) });
  beforeEach(() => {
    egress = new Egress({ allow: ['127.0.0.1'], denyPorts: [] });
    servers = start();
  });
  afterEach(async () => {
    await servers.close();
    await egress.close();
  });

  const context = (workspace = 'w1') => contextFor({}, { egress, mcp: servers.of(workspace), secrets: { key: 'right-key-of-the-server', other: 'wrong-key' } });
  const open = async (config: { [member: string]: Json }, { workspace = 'w1', ...more }: { workspace?: string; timeout_ms?: number } = {}) =>
    openTools([{ name: 'it', kind: 'mcp', config, ...more }], context(workspace));
  const call = async (tools: readonly Tool[], name: string, args: Json = {}, signal?: AbortSignal) => {
    const tool = tools.find((one) => one.name === `it_${name}`);
    if (!tool) throw new Error(`Expected a tool 'it_${name}', but there are ${tools.map((one) => one.name).join(', ')}`);
    return tool.call(args, { ...context(), ...(signal ? { signal } : {}), idempotencyKey: `e:n:${name}`, repeats: 0 });
  };
  const viaHttp = () => ({ url, auth: { type: 'bearer', secret: 'key' } });

  describe.each([
    ['stdio', () => ({ server: 'tests' })],
    ['streamable HTTP', viaHttp],
  ])('over %s', (_how, config) => {
    it('gives the tools of all pages, by names and with schemas that models and checks can take', async () => {
      const tools = await open(config());
      expect(tools.map((one) => one.name)).toEqual(expect.arrayContaining(['it_echo', 'it_add', 'it_large', expect.stringMatching(/^it_odd_name___with__signs__[0-9a-f]{8}$/)]));
      expect(tools.every((one) => /^[A-Za-z0-9_-]{1,64}$/.test(one.name))).toBe(true);
      expect(tools.find((one) => one.name === 'it_add')).toMatchObject({
        description: 'Does add',
        inputSchema: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } }, required: ['a', 'b'] },
      });
    });

    it('gives texts, structured content, pictures and failures', async () => {
      const tools = await open(config());
      expect(await call(tools, 'echo', { text: 'grüße' })).toEqual({ output: 'grüße' });
      expect(await call(tools, 'add', { a: 1, b: 2 })).toEqual({ output: { sum: 3 } });
      expect(await call(tools, 'picture')).toEqual({ output: 'here\n[A picture: image/png]', pictures: [{ mediaType: 'image/png', base64: 'iVBORw0KGgo=' }] });
      expect(await call(tools, 'fail')).toEqual({ output: 'no such order', isError: true });
      expect(await failureOf(call(tools, 'refuse'))).toMatchObject({ code: 'mcp_refused', message: expect.stringContaining('not today') });
    });

    it('takes only the tools that are wanted', async () => {
      expect((await open({ ...config(), tools: ['echo', 'large'] })).map((one) => one.name)).toEqual(['it_echo', 'it_large']);
      expect(await failureOf(open({ ...config(), tools: ['ecko'] }))).toMatchObject({ code: 'mcp_tool_missing', message: expect.stringContaining("'ecko'") });
    });

    it('ends a call at its limit, or when the attempt ends, and goes on with others', async () => {
      const tools = await open(config(), { timeout_ms: 100 });
      expect(await failureOf(call(tools, 'hang'))).toMatchObject({ code: 'mcp_timeout' });
      const ending = new AbortController();
      const hanging = failureOf(call(await open(config()), 'hang', {}, ending.signal));
      ending.abort(new Error('stop'));
      expect((await hanging).message).toBe('stop');
      expect(await call(tools, 'echo', { text: 'on' })).toEqual({ output: 'on' });
    });

    it('reads no more than 10 MiB of an answer', async () => {
      const tools = await open(config());
      expect((await call(tools, 'large', { chars: 100_000 })).output).toHaveLength(100_000);
      expect(['mcp_gone', 'mcp_unreachable']).toContain((await failureOf(call(tools, 'large', { chars: 11 * 1024 * 1024 }))).code);
      expect(await call(tools, 'echo', { text: 'on' })).toEqual({ output: 'on' });
    });
  });

  it('refuses a URL with a user and password, and does not repeat them', async () => {
    const failure = await failureOf(open({ url: url.replace('//', '//me:hunter2@') }));
    expect(failure).toMatchObject({ code: 'http_invalid', retryable: false });
    expect(failure.message).not.toContain('hunter2');
  });

  it('shares one server within a workspace, and with no other', async () => {
    const [one, two, other] = await Promise.all([open({ server: 'tests' }), open({ server: 'tests' }), open({ server: 'tests' }, { workspace: 'w2' })]);
    const [pid] = String((await call(one, 'count')).output).split(' ');
    expect((await call(two, 'count')).output).toBe(`${pid} 2`);
    expect((await call(other, 'count')).output).toMatch(/^\d+ 1$/);
    expect(servers.size).toBe(2);
  });

  it('starts a server that has died anew at the next call', async () => {
    const tools = await open({ server: 'tests' });
    const before = String((await call(tools, 'count')).output).split(' ')[0];
    expect(await failureOf(call(tools, 'die'))).toMatchObject({ code: 'mcp_gone', message: expect.stringContaining('starts it anew') });
    expect(String((await call(tools, 'count')).output)).toMatch(/^\d+ 1$/);
    expect(String((await call(tools, 'count')).output).split(' ')[0]).not.toBe(before);
  });

  it('gives up a server that hangs for good', async () => {
    const tools = await open({ server: 'tests' }, { timeout_ms: 300 });
    expect(await failureOf(call(tools, 'freeze'))).toMatchObject({ code: 'mcp_timeout' });
    await until('the frozen server is given up', () => servers.size === 0);
    const patient = await open({ server: 'tests' });
    expect(await call(patient, 'echo', { text: 'on' })).toEqual({ output: 'on' });
  });

  it('passes on none of the environment but PATH', async () => {
    const { output } = await call(await open({ server: 'tests' }), 'environment');
    expect(Object.keys(JSON.parse(String(output)) as object).sort()).toEqual(['GIVEN', 'PATH']);
  });

  it('closes a server that nobody uses, and its process ends', async () => {
    await servers.close();
    servers = start(1);
    const tools = await open({ server: 'tests' });
    const pid = Number(String((await call(tools, 'count')).output).split(' ')[0]);
    await until('it has ended', () => !isAlive(pid));
    expect(String((await call(tools, 'count')).output)).toMatch(/^\d+ 1$/);
  });

  it('leaves no process behind when the runner stops', async () => {
    const pid = Number(String((await call(await open({ server: 'tests' }), 'count')).output).split(' ')[0]);
    await servers.close();
    expect(isAlive(pid)).toBe(false);
    expect(await failureOf(open({ server: 'tests' }))).toMatchObject({ code: 'mcp_unreachable' });
  });

  it('starts only what the operator has named', async () => {
    expect(await failureOf(open({ server: 'other' }))).toMatchObject({ code: 'mcp_not_allowed', message: expect.stringContaining('tests, broken, missing') });
    expect(await failureOf(open({ server: '__proto__' }))).toMatchObject({ code: 'mcp_not_allowed' });
    expect(await failureOf(open({ server: 'broken' }))).toMatchObject({ code: 'mcp_gone' });
    expect(await failureOf(open({ server: 'missing' }))).toMatchObject({ code: 'mcp_unreachable', message: expect.stringContaining('ENOENT') });
    servers = new McpServers({ egress, logger });
    expect(await failureOf(open({ server: 'tests' }))).toMatchObject({
      code: 'mcp_not_allowed',
      retryable: false,
      message: expect.stringContaining('RUNLOG_MCP_SERVERS is not set'),
    });
  });

  it('says what is wrong with the file of servers', async () => {
    const file = join(folder, 'wrong.json');
    await writeFile(file, '{"a": {"args": []}}');
    servers = new McpServers({ allowList: file, egress, logger });
    expect(await failureOf(open({ server: 'a' }))).toMatchObject({ code: 'mcp_servers_invalid', message: expect.stringContaining('a.command') });
  });

  it('lets in who has the right secret', async () => {
    expect(await failureOf(open({ url, auth: { type: 'bearer', secret: 'other' } }))).toMatchObject({ code: 'mcp_unauthorized', message: expect.stringContaining('401') });
  });

  it('says the key of a call, so that a server can tell a repeat', async () => {
    await call(await open(viaHttp()), 'echo', { text: 'with a key' });
    const calls = (await (await fetch(new URL('/calls', url))).json()) as { arguments: Json; key: string }[];
    expect(calls.filter((one) => JSON.stringify(one.arguments) === '{"text":"with a key"}')).toEqual([expect.objectContaining({ key: 'e:n:echo' })]);
  });

  it('opens a new session with a server that has forgotten the old one', async () => {
    const tools = await open(viaHttp());
    await fetch(new URL('/sessions', url), { method: 'DELETE' });
    expect(await call(tools, 'echo', { text: 'again' })).toEqual({ output: 'again' });
  });

  it('tells at once that a server over HTTP has died, and reaches the next one', async () => {
    const mortal = await serve();
    const tools = await open({ url: mortal.url });
    expect(['mcp_gone', 'mcp_unreachable']).toContain((await failureOf(call(tools, 'die'))).code);
    expect(await failureOf(call(tools, 'echo', { text: 'on' }))).toMatchObject({ code: 'mcp_unreachable' });
  });

  it('reaches no place that nodes may not reach, by no redirect either', async () => {
    expect(await failureOf(open({ url: 'http://169.254.169.254/mcp' }))).toMatchObject({ code: 'mcp_forbidden', retryable: false });
    expect(await failureOf(open({ url: 'http://[::ffff:10.0.0.1]:8080/mcp' }))).toMatchObject({ code: 'mcp_forbidden' });
    expect(['mcp_forbidden', 'mcp_unreachable']).toContain((await failureOf(open({ url: new URL('/away', url).href }))).code);
  });
});

const serve = async (...options: string[]): Promise<{ called: ChildProcess; url: string }> => {
  const called = fork(program, ['--http', ...options]);
  const port = await new Promise<number>((heard) => called.once('message', (message) => heard(message as number)));
  return { called, url: `http://127.0.0.1:${port}/mcp` };
};

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { CommandOf, ExecutionCommand, NodeTask } from '@runlog/execution';
import { slowness, startTestDatabase, type TestDatabase, until } from '@runlog/testing';
import { Engine } from './testing/engine.js';
import { Sink } from './testing/fixture.js';

type Failed = CommandOf<'FailNode'>;
type Completed = CommandOf<'CompleteNode'>;

describe('a runner', () => {
  let server: TestDatabase;
  let engine: Engine;
  beforeAll(async () => (server = await startTestDatabase()), 60_000);
  afterAll(() => server.stop());
  beforeEach(async () => (engine = await Engine.open(server)));
  afterEach(() => engine.close());

  const types = (commands: readonly ExecutionCommand[]) => commands.map(({ type }) => type);
  const last = <Command>(commands: readonly ExecutionCommand[]) => commands.at(-1) as Command;

  it('starts a node, runs it and reports it, under ids that a repeat shares', async () => {
    const runner = await engine.runner();
    const task = await engine.give({});
    const commands = await engine.told(task, 'CompleteNode');
    expect(commands).toMatchObject([
      { type: 'StartNode', id: `start:${task.executionId}:work.1:${runner.id}`, node: 'work', attempt: 1, runner: runner.id, replyTo: runner.id, workspaceId: 'w1' },
      { type: 'CompleteNode', id: `complete:${task.executionId}:work.1:${runner.id}`, output: 3 },
    ]);
  });

  it('says the start with the report where its engine understands that and the node ends soon', async () => {
    const sink = await Sink.open(undefined, '127.0.0.1');
    await engine.runner();
    // On a busy machine, or in a new sandbox, a node may take longer.
    const joined = (source: string, type: 'CompleteNode' | 'FailNode') =>
      until(`a ${type} that says its start`, async () => {
        const commands = (await engine.told(await engine.give({ startWithReport: true, config: { source } }), type)) as Completed[];
        return commands.length === 1 && commands[0];
      });
    const report = await joined('return 1', 'CompleteNode');
    expect(report.at - (report.startedAt ?? Infinity)).toBeGreaterThanOrEqual(0);
    expect(await joined('throw new Error("no")', 'FailNode')).toMatchObject({ type: 'FailNode', startedAt: expect.any(Number) });
    const stored = await engine.give({ startWithReport: true, config: { source: 'return "x".repeat(70_000)' } });
    const [start, stowed] = (await engine.told(stored, 'CompleteNode')) as Completed[];
    expect([start?.type, stowed?.type]).toEqual(['StartNode', 'CompleteNode']);
    expect(stowed).not.toHaveProperty('startedAt');
    const outside = { kind: 'http', config: { url: `http://127.0.0.1:${sink.port}/` } };
    for (const slow of [await engine.give({ startWithReport: true, config: { source: 'for (;;);' }, timeoutMs: 400 }), await engine.give({ startWithReport: true, ...outside })]) {
      const commands = await engine.told(slow, slow.kind === 'http' ? 'CompleteNode' : 'FailNode');
      expect(types(commands)).toEqual(['StartNode', slow.kind === 'http' ? 'CompleteNode' : 'FailNode']);
      expect(commands[1]).not.toHaveProperty('startedAt');
    }
    await sink.close();
  });

  it('runs an attempt once however often its task comes', async () => {
    const runner = await engine.runner();
    const task = await engine.give({});
    await Promise.all([engine.give(task), engine.give(task), engine.give(task, 1)]);
    await engine.give({ ...task, attempt: 2 });
    await until('the second attempt', async () => (await engine.commands(task)).filter(({ type }) => type === 'CompleteNode').length === 2);
    expect(types(await engine.commands(task)).sort()).toEqual(['CompleteNode', 'CompleteNode', 'StartNode', 'StartNode']);
    expect(runner.describe()).toMatchObject({ backlog: 0 });
  });

  it('resolves templates and sends secrets, and blacks them out in all that leaves it', async () => {
    const secret = 'hunter2/+ "quoted"';
    const sink = await Sink.open(
      (hit, response) =>
        void response
          .setHeader('x-echo', String(hit.headers.authorization))
          .end(JSON.stringify({ echo: hit.headers.authorization, b64: Buffer.from(`x${secret}`).toString('base64') })),
      '127.0.0.1',
    );
    await engine.runner({}, { token: secret });
    const config = {
      url: `http://127.0.0.1:${sink.port}/{{ input.x }}`,
      method: 'POST',
      body: { id: '{{ execution.id }}', n: '{{ input.x }}' },
      auth: { type: 'bearer', secret: 'token' },
    };
    const task = await engine.give({ kind: 'http', config });
    const { output } = last<Completed>(await engine.told(task, 'CompleteNode'));
    expect(sink.hits).toMatchObject([
      { path: '/2', body: JSON.stringify({ id: task.executionId, n: 2 }), headers: { authorization: `Bearer ${secret}`, 'idempotency-key': `${task.executionId}:work` } },
    ]);
    expect(output).toMatchObject({ status: 200, headers: { 'x-echo': 'Bearer [redacted]' } });
    expect(JSON.stringify(output)).not.toContain('hunter2');
    expect(JSON.stringify(output)).not.toContain(Buffer.from(secret).toString('base64').slice(4, 16));
    const failing = await engine.give({ kind: 'http', config: { ...config, expect_status: 404 } });
    expect(last<Failed>(await engine.told(failing, 'FailNode')).error).toMatchObject({ code: 'http_status', message: expect.not.stringContaining('hunter2') });
    await sink.close();
  });

  it('fails a node whose secret is missing, whose template breaks, or whose kind it does not know', async () => {
    await engine.runner();
    const url = 'http://127.0.0.1:9/';
    const expected = [
      [{ kind: 'http', config: { url, auth: { type: 'bearer', secret: 'nope' } } }, 'secret_missing'],
      [{ kind: 'http', config: { url: 'http://127.0.0.1/{{ $error("broken") }}' } }, expect.stringMatching(/^expression/)],
      [{ kind: 'telepathy', config: {} }, 'kind_unknown'],
      [{ kind: 'http', config: { url: 'http://10.0.0.1/' } }, 'http_forbidden'],
      [{ config: { source: 'throw new Error("mine")' } }, 'code_failed'],
    ] as const;
    for (const [given, code] of expected) expect(last<Failed>(await engine.told(await engine.give(given), 'FailNode')).error.code).toEqual(code);
  });

  it('ends a node at its limit, to be tried again', async () => {
    const sink = await Sink.open(() => undefined, '127.0.0.1');
    await engine.runner();
    const slow = await engine.give({ kind: 'http', config: { url: `http://127.0.0.1:${sink.port}/` }, timeoutMs: 100 });
    expect(last<Failed>(await engine.told(slow, 'FailNode')).error).toMatchObject({ code: 'timed_out', retryable: true });
    const endless = await engine.give({ config: { source: 'for (;;);' }, timeoutMs: 100 });
    expect(last<Failed>(await engine.told(endless, 'FailNode')).error).toMatchObject({ code: 'code_timeout', retryable: true, message: expect.stringContaining('100 ms') });
    await sink.close();
  });

  it('waits for the word before it runs a node at most once', async () => {
    const sink = await Sink.open(undefined, '127.0.0.1');
    const runner = await engine.runner();
    const give = () => engine.give({ kind: 'http', effect: 'at_most_once', config: { url: `http://127.0.0.1:${sink.port}/` } });
    const refused = await give();
    await engine.refuse(runner, last(await engine.told(refused, 'StartNode')));
    await until('the refused one is given up', () => runner.describe().free === 8);
    expect(sink.hits).toEqual([]);
    const accepted = await give();
    const start = last<ExecutionCommand>(await engine.told(accepted, 'StartNode'));
    expect(sink.hits).toEqual([]);
    await engine.reply(runner, { type: 'accepted', commandId: start.id, executionId: start.executionId, version: 3 });
    await engine.told(accepted, 'CompleteNode');
    expect(sink.hits).toHaveLength(1);
    expect(types(await engine.commands(refused))).toEqual(['StartNode']);
    await sink.close();
  });

  it('says of a declared effect that failed whether it had begun, and whether anybody can tell', async () => {
    const sink = await Sink.open((_hit, response) => void response.destroy(), '127.0.0.1');
    const silent = await Sink.open(() => undefined, '127.0.0.1');
    const runner = await engine.runner();
    const failure = async (config: NodeTask['config'], more: Partial<NodeTask> = {}) => {
      const task = await engine.give({ kind: 'http', effect: 'at_least_once', config, ...more });
      const start = last<ExecutionCommand>(await engine.told(task, 'StartNode'));
      await engine.reply(runner, { type: 'accepted', commandId: start.id, executionId: start.executionId, version: 3 });
      return last(await engine.told(task, 'FailNode'));
    };
    expect(await failure({ url: `http://127.0.0.1:${sink.port}/` })).toMatchObject({ error: { code: 'http_unreachable', effect: 'unknown' } });
    expect(await failure({ url: `http://127.0.0.1:${silent.port}/` }, { timeoutMs: 200 })).toMatchObject({ error: { code: 'timed_out', effect: 'unknown' } });
    expect(await failure({ url: 'nowhere' })).toMatchObject({ error: { code: 'http_invalid', effect: 'none' } });
    expect(await failure({ url: '{{ $error("no") }}' })).toMatchObject({ error: { effect: 'none' } });
    const plain = await engine.give({ kind: 'http', config: { url: `http://127.0.0.1:${sink.port}/` } });
    expect((last(await engine.told(plain, 'FailNode')) as { error: object }).error).not.toHaveProperty('effect');
    await Promise.all([sink.close(), silent.close()]);
  });

  it('stops a node when told to, and says so', async () => {
    const sink = await Sink.open(() => undefined, '127.0.0.1');
    const runner = await engine.runner();
    const tasks = [
      await engine.give({ kind: 'http', config: { url: `http://127.0.0.1:${sink.port}/` } }),
      await engine.give({ config: { source: 'for (;;);' }, timeoutMs: 60_000 }),
    ];
    const superseded = await engine.give({ config: { source: 'for (;;);' }, timeoutMs: 60_000 });
    for (const task of [...tasks, superseded]) await engine.told(task, 'StartNode');
    for (const { executionId, workspaceId, node, attempt } of tasks) await engine.reply(runner, { type: 'stop', executionId, workspaceId, node, attempt, reason: 'cancelled' });
    const { executionId, workspaceId, node, attempt } = superseded;
    await engine.reply(runner, { type: 'stop', executionId, workspaceId, node, attempt, reason: 'ended' });
    for (const task of tasks) expect(types(await engine.told(task, 'StopNode'))).toEqual(['StartNode', 'StopNode']);
    await until('all slots are free', () => runner.describe().free === 8);
    expect(types(await engine.commands(superseded))).toEqual(['StartNode']);
    await sink.close();
  });

  it('shows a report that was refused, but not one of an attempt that was never its own', async () => {
    const runner = await engine.runner();
    const [late, foreign] = [await engine.give({}), await engine.give({})];
    const [start] = await engine.told(foreign, 'CompleteNode');
    await engine.refuse(runner, start as ExecutionCommand);
    await engine.refuse(runner, last(await engine.commands(foreign)));
    await engine.refuse(runner, last(await engine.told(late, 'CompleteNode')));
    const frames = await until('the late report', async () => {
      const found = (await engine.frames(late)).filter(({ type }) => type === 'late_report');
      return found.length > 0 && found;
    });
    expect(frames).toMatchObject([{ node: 'work', attempt: 1, workspaceId: 'w1', runner: runner.id, report: 'completed', because: 'the attempt was lost' }]);
    expect((await engine.frames(foreign)).filter(({ type }) => type === 'late_report')).toEqual([]);
  });

  it('logs the start, the lines and the end of an attempt', async () => {
    await engine.runner();
    const task = await engine.give({ config: { source: 'console.warn("careful", { n: 1 }); return 1' } });
    const lines = await until('three lines', async () => {
      const found = await engine.lines(task);
      return found.length >= 3 && found;
    });
    expect(lines).toMatchObject([
      { node: 'work', attempt: 1, level: 'debug', message: 'Started, attempt 1' },
      { node: 'work', attempt: 1, level: 'warn', message: 'careful {"n":1}' },
      { node: 'work', attempt: 1, level: 'info', message: expect.stringMatching(/^Completed in \d+ ms$/), fields: { ms: expect.any(Number) } },
    ]);
  });

  it('shows lines while the node goes on running', async () => {
    await engine.runner();
    const task = await engine.give({ config: { source: 'console.log("on it"); for (;;);' }, timeoutMs: 60_000 });
    await until('the line', async () => (await engine.lines(task)).some(({ message }) => message === 'on it'));
    expect(types(await engine.commands(task))).toEqual(['StartNode']);
  });

  it('hands a value over as every reader can hold it', async () => {
    await engine.runner();
    const task = await engine.give({ config: { source: String.raw`return JSON.parse('{"a\\u0000": "x\\u0000\\ud800y", "__proto__": {"p": 1}, "ok": "😀"}')` } });
    expect(last<Completed>(await engine.told(task, 'CompleteNode')).output).toEqual({ 'a\ufffd': 'x\ufffd\ufffdy', ok: '😀' });
  });

  it('says every second what it serves and how much room it has', async () => {
    const runner = await engine.runner();
    await engine.reads(runner);
    const beats = await until('two heartbeats', async () => {
      const found = await engine.heartbeats(runner);
      return found.length >= 2 && found;
    });
    expect(beats.at(-1)).toMatchObject({ runner: runner.id, kinds: ['http', 'code', 'agent'], slots: 8, free: 8, backlog: 0, stopping: false });
    expect(beats.at(-1)?.partitions).toHaveLength(4);
    await runner.stop();
    expect((await engine.heartbeats(runner)).at(-1)).toMatchObject({ stopping: true });
  });

  it('passes tasks on when it has no room and another has', async () => {
    const busy = await engine.runner({ slots: 1 });
    await engine.reads(busy);
    const long = await engine.give({ config: { source: 'for (;;);' }, timeoutMs: 20_000 });
    await engine.told(long, 'StartNode');
    const idle = await engine.runner({ slots: 8 });
    await engine.reads(busy, idle);
    const [partition = 0] = busy.describe().partitions;
    const quick = await Promise.all(Array.from({ length: 6 }, () => engine.give({}, partition)));
    for (const task of quick) expect(last<Completed>(await engine.told(task, 'CompleteNode')).runner).toBe(idle.id);
  });

  it('keeps what it has no room for until it has, without taking everything', async () => {
    const runner = await engine.runner({ slots: 2 });
    const tasks = await Promise.all(Array.from({ length: 40 }, (_, i) => engine.give({ config: { source: `return ${i}` } }, i % 4)));
    for (const [i, task] of tasks.entries()) expect(last<Completed>(await engine.told(task, 'CompleteNode')).output).toBe(i);
    expect(runner.describe()).toMatchObject({ free: 2, backlog: 0 });
  });

  it('stops within its time, leaving what still runs unreported', async () => {
    const runner = await engine.runner();
    const task = await engine.give({ config: { source: 'for (;;);' }, timeoutMs: 60_000 });
    await engine.told(task, 'StartNode');
    const began = Date.now();
    await runner.stop();
    expect(Date.now() - began).toBeLessThan(5_000 * slowness());
    expect(types(await engine.commands(task))).toEqual(['StartNode']);
  });
});

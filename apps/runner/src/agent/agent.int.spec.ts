import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CommandOf, ExecutionCommand, Frame, Json, NodeTask } from '@runlog/execution';
import { startTestDatabase, type TestDatabase, until } from '@runlog/testing';
import { type ScriptedModel, startModel } from '../../../../tests/models/start-model.mjs';
import type { RunnerService } from '../runner.service.js';
import { Engine } from '../testing/engine.js';
import { StepEngine } from '../testing/step-engine.js';
import type { AgentMemory } from './agency.js';

type AgentFrame = Extract<Frame, { type: 'agent' }>;

describe('an agent', () => {
  let server: TestDatabase;
  let model: ScriptedModel;
  let engine: Engine;
  let steps: StepEngine;
  let runner: RunnerService;
  beforeAll(async () => {
    [server, model] = await Promise.all([startTestDatabase(), startModel()]);
    engine = await Engine.open(server);
    steps = await StepEngine.open(engine);
    runner = await open();
  }, 60_000);
  afterAll(async () => {
    await steps.stop();
    await engine.close();
    await Promise.all([server.stop(), model.stop()]);
  });
  const secrets = { key: 'wrong-key', wires: 'k-12345', leaky: 'sk-very-secret-1234' };
  let remembered: Partial<AgentMemory> = {};
  const open = () =>
    engine.runner({ stopWithinMs: 0 }, secrets, {
      memory: {
        saidBefore: async (...asked) => remembered.saidBefore?.(...asked) ?? { content: '', thinking: '' },
        history: async (...asked) => remembered.history?.(...asked) ?? [],
      },
    });

  const choice = (script: string, more: object = {}) => ({ provider: 'openai_compatible', name: 'gpt-5-mini', base_url: model.baseUrl(script), ...more });
  const taskOf = (script: string, agent: { [member: string]: unknown } = {}, input: Json = { message: 'hello' }): Partial<NodeTask> => ({
    kind: 'agent',
    node: 'agent',
    config: {
      agent: { key: 'a', name: 'A', agent_id: 'i', agent_version_id: 'v', version: 1, model: choice(script), tools: [], guardrails: [], limits: {}, ...agent },
      input,
    } as unknown as Json,
  });
  const ended = async (task: NodeTask): Promise<CommandOf<'CompleteNode'> | CommandOf<'FailNode'>> =>
    until(`the end of ${task.node}`, async () =>
      (await engine.commands(task)).find(
        (command): command is CommandOf<'CompleteNode'> | CommandOf<'FailNode'> =>
          (command.type === 'CompleteNode' || command.type === 'FailNode') && command.attempt === task.attempt,
      ),
    );
  const output = async (task: NodeTask): Promise<Json> => {
    const report = await ended(task);
    if (report.type === 'FailNode') throw new Error(`${report.error.code}: ${report.error.message}`);
    return report.output;
  };
  const failure = async (task: NodeTask) => {
    const report = await ended(task);
    return report.type === 'FailNode' ? report.error : { code: 'none', message: JSON.stringify(report.output), retryable: false };
  };
  /** Whether they came with a step, with the report, or, which counts once, with both. */
  const recordsOf = async (task: NodeTask) => {
    const told = (await engine.commands(task)).flatMap((command) => ('records' in command ? (command.records ?? []) : []));
    return [...new Map(told.map((record) => [record.key, record])).values()];
  };
  const framesOf = async (task: NodeTask): Promise<AgentFrame[]> => (await engine.frames(task)).filter((frame): frame is AgentFrame => frame.type === 'agent');
  const heard = (frames: readonly AgentFrame[], kind: 'content' | 'thinking'): string =>
    frames.reduce((text, { frame }) => (frame.kind === kind ? text.slice(0, frame.from) + frame.text : text), '');

  it('asks the model on the engine’s word, streams what it says, and gives it', async () => {
    await model.script('plain', { turns: [{ thinking: 'Hm.', content: 'Grüße, 👋 {{user}}', chunks: 5, usage: { input: 100, cache_read: 40, output: 20, reasoning: 10 } }] });
    const task = await engine.give(taskOf('plain', { system_prompt: 'Be {{ input.tone }}.' }, { message: 'hello', tone: 'kind' }));
    expect(await output(task)).toEqual({ response: 'Grüße, 👋 hello' });
    expect(steps.steps(task)[0]).toMatchObject({
      type: 'TakeStep',
      nth: 1,
      records: [],
      begins: [{ key: 'm1', kind: 'model', name: 'gpt-5-mini', reserve_nano_usd: expect.stringMatching(/^\d+$/) }],
    });
    const tokens = { input: 100, cache_read: 40, cache_write: 0, output: 20, reasoning: 10 };
    expect(await recordsOf(task)).toMatchObject([
      { key: 'm1', used: { provider: 'openai_compatible', model: 'gpt-5-mini', tokens, cost_nano_usd: expect.stringMatching(/^\d+$/), price: 'list' } },
    ]);
    const frames = await framesOf(task);
    expect(heard(frames, 'content')).toBe('Grüße, 👋 hello');
    expect(heard(frames, 'thinking')).toBe('Hm.');
    expect(frames[0]).toMatchObject({ version: 11, generation: 1, node: 'agent' });
    const [request] = await model.requests('plain');
    expect(request?.body.messages).toMatchObject([
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: 'hello' },
    ]);
  });

  it.each(['openai', 'anthropic'] as const)('speaks to %s', async (provider) => {
    const usage = { input: 10, cache_read: 5, cache_write: provider === 'anthropic' ? 3 : 0, output: 2, reasoning: 0 };
    await model.script(provider, {
      api_key: 'k-12345',
      turns: [
        { content: 'Looking.', tools: [{ name: 'twice', arguments: { n: 4 } }], usage },
        { content: 'It is {{result}}.', usage },
      ],
    });
    const name = provider === 'openai' ? 'gpt-4o-mini' : 'claude-sonnet-4-5';
    const twice = {
      name: 'twice',
      kind: 'code',
      config: { source: 'return input.n * 2' },
      input_schema: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] },
    };
    const task = await engine.give(taskOf(provider, { model: { ...choice(provider), provider, name, secret: 'wires' }, tools: [twice] }));
    expect(await output(task)).toEqual({ response: 'Looking.\n\nIt is 8.' });
    expect(heard(await framesOf(task), 'content')).toBe('Looking.\n\nIt is 8.');
    const used = (await recordsOf(task)).flatMap((record) => record.used ?? []);
    expect(used.map(({ tokens }) => tokens)).toEqual([usage, usage]);
  });

  it('uses tools side by side, and tells of each as an intent and a receipt', async () => {
    const called = [
      { name: 'add', arguments: { a: 1, b: 2 } },
      { name: 'add', arguments: { a: 3, b: 4 } },
    ];
    await model.script('tools', { turns: [{ tools: called }, { content: 'Done.' }] });
    const add = { name: 'add', kind: 'code', config: { source: 'return input.a + input.b' } };
    const task = await engine.give(taskOf('tools', { tools: [add] }));
    expect(await output(task)).toEqual({ response: 'Done.' });
    const begun = steps.steps(task).flatMap((step) => (step.type === 'TakeStep' ? step.begins.map(({ key }) => key) : []));
    expect(begun).toEqual(['m1', 'm1.t1', 'm1.t2', 'm2']);
    const [, second] = await model.requests('tools');
    expect(second?.body.messages.filter(({ role }: { role: string }) => role === 'tool').map(({ content }: { content: string }) => content)).toEqual(['3', '7']);
    const frames = (await framesOf(task)).map(({ frame }) => frame);
    expect(frames.filter(({ kind }) => kind === 'tool_start')).toHaveLength(2);
    expect(frames.filter(({ kind }) => kind === 'tool_end')).toHaveLength(2);
  });

  it('goes on where its runner died, and repeats only the call that was under way', async () => {
    await model.script('crash', {
      turns: [
        { content: 'First.', tools: [{ name: 'add', arguments: { a: 1, b: 2 } }] },
        { content: ['Sec', 'ond', ', and last.'], gates: [{ name: 'crash', after: 2 }] },
      ],
    });
    const add = { name: 'add', kind: 'code', config: { source: 'return input.a + input.b' } };
    const given = await engine.give(taskOf('crash', { tools: [add] }));
    await until('the second call is under way', async () => heard(await framesOf(given), 'content') === 'First.\n\nSecond');
    await runner.stop();
    const frames = await framesOf(given);
    await model.open('crash');
    remembered = { saidBefore: async (task) => ({ content: task.executionId === given.executionId ? heard(frames, 'content') : '', thinking: '' }) };
    runner = await open();
    const task = await engine.give(steps.next(given));
    expect(await output(task)).toEqual({ response: 'First.\n\nSecond, and last.' });
    expect(heard(await framesOf(task), 'content')).toBe('First.\n\nSecond, and last.');
    expect((await framesOf(task)).map(({ frame }) => frame.kind)).toContain('fence');
    expect((await model.requests('crash')).map(({ turn }) => turn)).toEqual([0, 1, 1]);
    expect(steps.journal(task).map(({ key, standing }) => [key, standing])).toEqual([
      ['m1', 'recorded'],
      ['m1.t1', 'recorded'],
      ['m2', 'begun'],
      ['m2.2', 'recorded'],
    ]);
  });

  it('tries again after 429, 500 and a cut, then calls the fallback; each try counts', async () => {
    await model.script('weak', {
      turns: [
        {
          content: ['Hel', 'lo.'],
          fails: [
            { status: 429, times: 1, retry_after: 0 },
            { status: 500, times: 1 },
          ],
          cut: { after: 1, times: 1 },
        },
      ],
    });
    const task = await engine.give(taskOf('weak'));
    expect(await output(task)).toEqual({ response: 'Hello.' });
    expect(steps.journal(task).map(({ key, error }) => [key, error?.code])).toEqual([
      ['m1', 'model_rate_limited'],
      ['m1.2', 'model_unavailable'],
      ['m1.3', 'model_cut_off'],
      ['m1.4', undefined],
    ]);
    await model.script('wrong', { api_key: 'other', turns: [{ content: 'x' }] });
    await model.script('spare', { turns: [{ content: 'Spare.' }] });
    const second = await engine.give(taskOf('wrong', { fallback: choice('spare') }));
    expect(await output(second)).toEqual({ response: 'Spare.' });
  });

  it.each<[string, () => Promise<object>, string, string]>([
    [
      'a wrong key',
      async () => (await model.script('locked', { api_key: 'right', turns: [] }), choice('locked', { secret: 'key' })),
      'model_unauthorized',
      'PUT /api/v1/secrets/key',
    ],
    ['a model that is not there', async () => choice('nowhere'), 'model_unknown', "'model.name'"],
    ['a secret that is not there', async () => choice('locked', { secret: 'none' }), 'secret_missing', "'none'"],
    ['a place that is not to be reached', async () => ({ ...choice('x'), base_url: 'http://10.0.0.1/v1' }), 'model_forbidden', 'RUNLOG_EGRESS_ALLOW'],
    ['a server that is none of a model', async () => ({ ...choice('x'), base_url: `${model.url}/gates/none?` }), 'model_unknown', "'base_url'"],
  ])('says what to do about %s', async (_, prepared, code, hint) => {
    const choice = await prepared();
    const error = await failure(await engine.give(taskOf('x', { model: choice })));
    expect(error).toMatchObject({ code, retryable: false, message: expect.stringContaining(hint) });
    expect(error.message).not.toContain('wrong-key');
  });

  it('gives calls back that can’t be made, and ends an agent that makes nothing else', async () => {
    const bad = [
      { name: 'ad', arguments: { a: 1 } },
      { name: 'add', arguments: '{"a": 1' },
      { name: 'add', arguments: { a: 'x' }, id: '../../etc' },
    ];
    await model.script('bad', { turns: [{ tools: bad }, { content: 'Sorry.' }] });
    const add = { name: 'add', kind: 'code', config: { source: 'return 1' }, input_schema: { type: 'object', properties: { a: { type: 'number' } } } };
    expect(await output(await engine.give(taskOf('bad', { tools: [add] })))).toEqual({ response: 'Sorry.' });
    const [, second] = await model.requests('bad');
    const results = second?.body.messages.filter(({ role }: { role: string }) => role === 'tool').map(({ content }: { content: string }) => content);
    expect(results).toEqual([expect.stringContaining("did you mean 'add'"), expect.stringContaining('to be JSON'), expect.stringContaining('/a: Expected a number')]);
    await model.script('hopeless', { turns: [{ tools: bad }] });
    expect(await failure(await engine.give(taskOf('hopeless', { tools: [add] })))).toMatchObject({ code: 'tool_calls_invalid' });
    await model.script('endless', { turns: [{ tools: [{ name: 'add', arguments: {} }] }] });
    expect(await failure(await engine.give(taskOf('endless', { tools: [add], limits: { steps: 3 } })))).toMatchObject({ code: 'steps_exhausted' });
    expect(await model.requests('endless')).toHaveLength(3);
    expect(await failure(await engine.give(taskOf('endless', { tools: [add], limits: { tokens: 200 } })))).toMatchObject({ code: 'tokens_exhausted' });
  });

  it('repairs an output that does not fit its schema, a few times', async () => {
    const output_schema = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] };
    await model.script('repaired', { turns: [{ content: 'It is four.' }, { content: '{"n": "4"}' }, { content: '```json\n{"n": 4}\n```' }] });
    expect(await output(await engine.give(taskOf('repaired', { output_schema })))).toEqual({ n: 4 });
    await model.script('never', { turns: [{ content: 'It is four.' }] });
    expect(await failure(await engine.give(taskOf('never', { output_schema })))).toMatchObject({ code: 'output_invalid' });
    expect(await model.requests('never')).toHaveLength(3);
  });

  it('keeps guardrails on what goes in and what comes out, also of what is streamed', async () => {
    await model.script('guarded', { turns: [{ content: ['The number is 12', '34-5678.'] }] });
    const redact = { on: 'output', kind: 'regex', action: 'redact', pattern: '\\d{4}-\\d{4}', replacement: '####' };
    const task = await engine.give(taskOf('guarded', { guardrails: [redact] }));
    expect(await output(task)).toEqual({ response: 'The number is ####.' });
    expect(heard(await framesOf(task), 'content')).toBe('The number is ####.');
    const block = { name: 'no numbers', on: 'output', kind: 'regex', action: 'block', pattern: '\\d{4}-' };
    const blocked = await engine.give(taskOf('guarded', { guardrails: [block] }));
    expect(await failure(blocked)).toMatchObject({ code: 'guardrail_blocked', message: expect.stringContaining('no numbers') });
    expect(heard(await framesOf(blocked), 'content')).toBe('');
    expect(await recordsOf(blocked)).toMatchObject([{ key: 'm1', used: { tokens: expect.anything() } }]);
    const input = { on: 'input', kind: 'regex', action: 'block', pattern: 'hello' };
    expect(await failure(await engine.give(taskOf('guarded', { guardrails: [input] })))).toMatchObject({ code: 'guardrail_blocked' });
  });

  it('asks people before a tool that needs it, lets go, and goes on with what they said', async () => {
    await model.script('asking', {
      turns: [
        {
          tools: [
            { name: 'pay', arguments: { to: 'Ann' } },
            { name: 'ask', arguments: { question: 'How much?' } },
          ],
        },
        { content: 'Done: {{result}}' },
      ],
    });
    const pay = { name: 'pay', kind: 'code', config: { source: 'return "paid " + input.to' }, approval: { prompt: 'Pay?' } };
    const ask = { name: 'ask', kind: 'ask_human', config: {}, input_schema: { type: 'object', properties: { question: { type: 'string' } } } };
    const given = await engine.give(taskOf('asking', { tools: [pay, ask] }));
    await until('people are asked', () => steps.gates(given).length > 0);
    await until('the runner has let go', () => runner.describe().running === 0);
    expect(steps.gates(given)).toMatchObject([
      { key: 'm1.t1', kind: 'approval', name: 'pay', arguments_sha256: expect.stringMatching(/^[0-9a-f]{64}$/), rules: { prompt: expect.stringContaining('{"to":"Ann"}') } },
      { key: 'm1.t2', kind: 'question', name: 'ask', rules: { prompt: 'How much?' } },
    ]);
    steps.decide(given, 'm1.t1', 'approve');
    steps.decide(given, 'm1.t2', 'answer', 'much');
    const task = await engine.give(steps.next(given));
    expect(await output(task)).toEqual({ response: 'Done: much' });
    const [, second] = await model.requests('asking');
    const results = second?.body.messages.filter(({ role }: { role: string }) => role === 'tool').map(({ content }: { content: string }) => content);
    expect(results).toEqual(['paid Ann', 'much']);
  });

  it.each([
    ['people', { by: 'user:u', comment: 'too much' } as const, 'People have rejected this call: too much'],
    ['time', { by: 'system:gate_expired', comment: null } as const, 'Nobody has approved this call in time'],
  ])('tells the model who rejected its call: %s', async (who, said, told) => {
    await model.script(`rejected-${who}`, { turns: [{ tools: [{ name: 'pay', arguments: {} }] }, { content: '{{result}}' }] });
    const given = await engine.give(taskOf(`rejected-${who}`, { tools: [{ name: 'pay', kind: 'code', config: { source: 'return 1' }, approval: true }] }));
    await until('people are asked', () => steps.gates(given).length > 0);
    steps.decide(given, 'm1.t1', 'reject', null, said);
    expect(await output(await engine.give(steps.next(given)))).toEqual({ response: told });
  });

  it('says no more once the engine refuses, waits for a busy budget, fails of one that is spent', async () => {
    await model.script('refused', { turns: [{ content: 'x' }] });
    let busy = 2;
    steps.refuses = () => (busy-- > 0 ? 'budget_busy' : undefined);
    expect(await output(await engine.give(taskOf('refused')))).toEqual({ response: 'x' });
    steps.refuses = () => 'budget_exhausted';
    expect(await failure(await engine.give(taskOf('refused')))).toMatchObject({ code: 'budget_exhausted' });
    steps.refuses = () => undefined;
    expect(await model.requests('refused')).toHaveLength(1);
  });

  it('tells neither models’ keys nor what was made of them', async () => {
    const secret = secrets.leaky;
    await model.script('leaky', {
      turns: [{ content: ['My key is sk-very', '-secret-12', '34, says {{user}}.'], tools: [{ name: 'note', arguments: { text: secret } }] }, { content: 'Bye.' }],
    });
    const note = { name: 'note', kind: 'code', config: { source: 'console.log(input.text); return input' } };
    const task = await engine.give(taskOf('leaky', { model: choice('leaky', { secret: 'leaky' }), tools: [note] }));
    expect(await output(task)).toEqual({ response: 'My key is [redacted], says hello.\n\nBye.' });
    const told = JSON.stringify([await engine.commands(task), await engine.frames(task)] satisfies [ExecutionCommand[], Frame[]]);
    expect(told).not.toContain('very-secret');
  });

  it('keeps large outputs of tools out of the journal, cuts them for the model, and reads them again', async () => {
    await model.script('large', { turns: [{ tools: [{ name: 'dump', arguments: {} }] }, { content: 'x', gates: [{ name: 'large', after: 0 }] }] });
    const dump = { name: 'dump', kind: 'code', config: { source: 'return "0123456789".repeat(20000)' } };
    const given = await engine.give(taskOf('large', { tools: [dump] }));
    await until('the second call is under way', async () => (await model.requests('large')).length === 2);
    await runner.stop();
    await model.open('large');
    runner = await open();
    expect(steps.journal(given).find(({ key }) => key === 'm1.t1')).toMatchObject({ receipt_ref: { bytes: expect.any(Number) } });
    expect(await output(await engine.give(steps.next(given)))).toEqual({ response: 'x' });
    const [, first, again] = await model.requests('large');
    const results = [first, again].map((request) => request?.body.messages.at(-1)?.content);
    expect(results[0]).toMatch(/^0123456789.*\[cut: \d+ of \d+ characters are left out\]$/s);
    expect(results[1]).toBe(results[0]);
  });

  it('shows pictures to the model, and gives those that it makes', async () => {
    const png = 'iVBORw0KGgo=';
    await model.script('seeing', { turns: [{ content: 'I see.', images: [{ media_type: 'image/png', data: png }] }] });
    const task = await engine.give(taskOf('seeing', {}, { message: 'Look', picture: `data:image/png;base64,${png}` }));
    expect(await output(task)).toEqual({ response: 'I see.', images: [{ media_type: 'image/png', data: png }] });
    const [request] = await model.requests('seeing');
    expect(request?.body.messages).toMatchObject([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Look' },
          { type: 'image_url', image_url: { url: `data:image/png;base64,${png}` } },
        ],
      },
    ]);
  });

  it('warns of an answer that was cut at its most tokens', async () => {
    await model.script('long', { turns: [{ content: 'And then', finish: 'length' }] });
    const task = await engine.give(taskOf('long', { model: choice('long', { parameters: { max_tokens: 3 } }) }));
    expect(await output(task)).toEqual({ response: 'And then' });
    await until('the warning', async () => JSON.stringify(await engine.frames(task)).includes("was cut at 3 tokens; raise 'model.parameters.max_tokens'"));
  });

  it('calls the fallback when the first model asks to wait for longer than anybody does', async () => {
    await model.script('later', { turns: [{ content: 'x', fails: [{ status: 429, times: 9, retry_after: 3600 }] }] });
    await model.script('now', { turns: [{ content: 'Now.', tools: [] }] });
    expect(await output(await engine.give(taskOf('later', { fallback: choice('now') })))).toEqual({ response: 'Now.' });
    expect(await model.requests('later')).toHaveLength(1);
    const error = await failure(await engine.give(taskOf('later')));
    expect(error).toMatchObject({ code: 'model_rate_limited', retryable: true, retry_after_ms: 3_600_000 });
  });

  it('takes no slot from other nodes while it waits for its model', async () => {
    await model.script('slow', { turns: [{ content: 'x', gates: [{ name: 'slow', after: 0 }] }] });
    const agents = await Promise.all(Array.from({ length: 12 }, () => engine.give(taskOf('slow'))));
    await until('more agents wait than there are slots', async () => (await model.gates()).slow?.waiting === 12);
    expect(runner.describe()).toMatchObject({ slots: 8, free: 8, running: 12, backlog: 0 });
    expect(await output(await engine.give({ config: { source: 'return 1' } }))).toBe(1);
    await model.open('slow');
    for (const task of agents) expect(await output(task)).toEqual({ response: 'x' });
  });

  it('puts the session before the model as every attempt saw it', async () => {
    await model.script('session', { turns: [{ content: 'Again.' }], count: 'since_user' });
    const history = async () =>
      [
        { role: 'user', content: 'x'.repeat(100) },
        { role: 'assistant', content: 'y' },
        { role: 'user', content: 'Who am I?' },
        { role: 'assistant', content: 'Ann.' },
      ] as const;
    remembered = { history };
    const scope = { input: { message: 'hello' }, nodes: {}, execution: { id: 'x', session_id: 's1' } };
    const task = await engine.give({ ...taskOf('session', { limits: { session_tokens: 10 } }), scope });
    expect(await output(task)).toEqual({ response: 'Again.' });
    const [request] = await model.requests('session');
    expect(request?.body.messages.map(({ content }: { content: string }) => content)).toEqual(['Who am I?', 'Ann.', 'hello']);
    expect(steps.journal(task)[0]).toMatchObject({ key: 'session', receipt: { messages: [{ content: 'Who am I?' }, { content: 'Ann.' }] } });
  });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ScriptedModel, startModel } from '../models/start-model.mjs';
import { publishAgent } from './agents.js';
import { type Cluster, startTestCluster } from './clustered.js';
import { Listener } from './listening.js';
import { until } from './until.js';

let model: ScriptedModel;
let cluster: Cluster;

beforeAll(async () => {
  [model, cluster] = await Promise.all([startModel(), startTestCluster({ RUNLOG_EGRESS_ALLOW: '127.0.0.0/8', RUNLOG_HEARTBEAT_TIMEOUT_MS: '2000' })]);
}, 180_000);

afterAll(async () => {
  await cluster?.discard();
  await model?.stop();
}, 90_000);

/** An agent that says what its script tells it. */
const publish = async (key: string): Promise<void> => {
  await publishAgent(cluster.one, {
    key,
    baseUrl: model.baseUrl(key),
    model: { name: 'scripted' },
    prompt_template: '{{ input.ask }}',
    tools: [
      {
        name: 'double',
        kind: 'code',
        description: 'Doubles a number',
        input_schema: { type: 'object', required: ['n'], properties: { n: { type: 'number' } } },
        config: { source: 'return input.n * 2;' },
      },
    ],
  });
};
const begin = async (key: string): Promise<string> => (await cluster.one.call('POST', `/api/v1/agents/${key}/execute`, { input: { ask: 'Go on.' }, async_mode: true })).body.id;
const ended = async (id: string) => (await cluster.other.call('GET', `/api/v1/executions/${id}`)).body;

const restart = async (...names: string[]): Promise<void> => {
  await Promise.all(names.map((name) => cluster.member(name).restart()));
  await Promise.all(names.map((name) => cluster.member(name).ready()));
};
const kill = (...names: string[]): void => names.forEach((name) => cluster.member(name).kill('SIGKILL'));

const listening = (ids: readonly string[], patience?: (connection: number) => number) => {
  const stop = AbortSignal.timeout(170_000);
  const listeners = ids.flatMap((id) =>
    [
      [cluster.one, cluster.other],
      [cluster.other, cluster.one],
    ].map((doors) => ({ id, listener: new Listener(doors, id, patience) })),
  );
  return { listeners, all: Promise.all(listeners.map(({ listener }) => listener.listen(stop))) };
};
const haveHeard = (listeners: readonly { readonly listener: Listener }[], text: string) =>
  until(() => listeners.every(({ listener }) => listener.content.length >= text.length), {
    what: `every listener to have heard '${text.slice(0, 40)}...'`,
    otherwise: () => JSON.stringify(listeners.map(({ listener }) => listener.content.length)),
  });

describe('what an agent says, as it says it', () => {
  it('is its final text to the byte for everybody, over killed runners, a killed gateway and lost connections', async () => {
    const pieces = Array.from({ length: 80 }, (_, at) => (at % 7 === 3 ? `piece \u{1f600}${at},\n` : `piece ${at}, `));
    const [before, whole] = [pieces.slice(0, 40).join(''), pieces.join('')];
    await model.script('tale', {
      turns: [
        { thinking: ['I must ', 'double.'], content: ['First ', 'I double. '], tools: [{ name: 'double', arguments: { n: 4 } }] },
        { content: pieces, delay_ms: 5, gates: [{ name: 'middle', after: 40 }] },
      ],
    });
    await publish('tale');
    const ids = await Promise.all([1, 2, 3].map(() => begin('tale')));
    const steady = listening(ids);
    const fickle = listening(ids, (connection) => (connection < 15 ? 1 + (connection % 3) : Number.POSITIVE_INFINITY));
    await haveHeard([...steady.listeners, ...fickle.listeners], `First I double. \n\n${before}`);
    kill('runner-1', 'runner-2', 'gateway-2');
    await model.open('middle');
    const late = listening(ids);
    await restart('runner-1', 'runner-2', 'gateway-2');
    await Promise.all([steady.all, fickle.all, late.all]);
    for (const { id, listener } of [...steady.listeners, ...fickle.listeners, ...late.listeners]) {
      const { status, output } = await ended(id);
      expect({ status, output }).toEqual({ status: 'completed', output: { response: `First I double. \n\n${whole}` } });
      expect(listener.content).toBe(output.response);
      expect(listener.said('thinking')).toBe('I must double.');
      expect(listener.tools).toEqual(['tool_start m1.t1', 'tool_end m1.t1']);
      expect(listener.places).toEqual([...new Set(listener.places)].sort((a, b) => a - b));
      expect(listener.end).toMatchObject({ event: 'done' });
      expect(JSON.parse(listener.end?.data ?? '')).toMatchObject({ output });
      expect(listener.refusals.filter((one) => one !== 503)).toEqual([]);
    }
    expect(fickle.listeners.every(({ listener }) => listener.connections >= 4)).toBe(true);
    // The first call is had once; the one that was cut off is made again.
    expect((await model.counts()).tale?.by_turn).toEqual({ 0: 3, 1: 6 });
  }, 180_000);

  it('stays as it was heard when the call that was cut off says something else the next time', async () => {
    await model.script('moody', { turns: [{ content: ['Answer {{request}}: ', 'let me see. ', 'It is ', 'so.'], gates: [{ name: 'thought', after: 2 }] }] });
    await publish('moody');
    const id = await begin('moody');
    const { listeners, all } = listening([id, id]);
    await haveHeard(listeners, 'Answer 1: let me see. ');
    const [{ content: heard = '' } = {}] = listeners.map(({ listener }) => listener);
    kill('runner-1', 'runner-2');
    await model.open('thought');
    await restart('runner-1', 'runner-2');
    const { status, output } = await ended(id).then(() => until(async () => (await ended(id)).is_terminal && ended(id), { what: 'the execution to end' }));
    expect(status).toBe('completed');
    await all;
    expect(heard).toMatch(/^Answer (\d+): let me see. $/);
    expect(output.response).toMatch(/^Answer (\d+): let me see. \n\nAnswer (\d+): let me see. It is so.$/);
    for (const { listener } of listeners) expect(listener.content).toBe(output.response);
  }, 180_000);

  it('is not what a runner says that was frozen and wakes when another has taken over', async () => {
    const words = Array.from({ length: 30 }, (_, at) => `word ${at} of {{request}}, `);
    await model.script('frozen', { turns: [{ content: words, delay_ms: 10, gates: [{ name: 'thaw', after: 10 }] }] });
    await publish('frozen');
    kill('runner-2');
    const id = await begin('frozen');
    const { listeners, all } = listening([id, id]);
    const said = (request: number, count: number) => words.slice(0, count).join('').replaceAll('{{request}}', String(request));
    await until(() => listeners.every(({ listener }) => listener.content.includes('word 9 ')), { what: 'the listeners to have heard the beginning' });
    cluster.member('runner-1').kill('SIGSTOP');
    await restart('runner-2');
    await until(async () => (await model.gates()).thaw?.waiting === 2, { what: 'the other runner to ask the model' });
    cluster.member('runner-1').kill('SIGCONT');
    await model.open('thaw');
    await all;
    const { status, output } = await ended(id);
    const [first = 0, second = 0] = (await model.requests('frozen')).map(({ n }) => n);
    expect({ status, output }).toEqual({ status: 'completed', output: { response: `${said(first, 10)}\n\n${said(second, 30)}` } });
    for (const { listener } of listeners) expect(listener.content).toBe(output.response);
  }, 180_000);
});

describe('a session', () => {
  it('is remembered whoever is asked next, as soon as an answer was given', async () => {
    await model.script('parrot', { turns: [{ content: 'I heard: {{user}}' }] });
    await publish('parrot');
    for (const [at, door] of [cluster.one, cluster.other, cluster.one, cluster.other].entries()) {
      const { body } = await door.call('POST', '/api/v1/agents/parrot/execute', { input: { ask: `${at}`, message: `${at}` }, session_id: 'shared' });
      expect(body).toMatchObject({ status: 'completed', output: { response: `I heard: ${at}` } });
      const messages: { content: string }[] = (await model.requests('parrot')).at(-1)?.body.messages;
      expect(messages.map(({ content }) => content)).toEqual([...Array.from({ length: at }, (_, earlier) => [`${earlier}`, `I heard: ${earlier}`]).flat(), `${at}`]);
    }
    const { body: said } = await cluster.other.call('GET', '/api/v1/sessions/shared/messages');
    expect(said.data).toHaveLength(8);
    const { body: sessions } = await cluster.one.call('GET', '/api/v1/sessions?agent_id=parrot');
    expect(sessions.data).toMatchObject([{ id: 'shared', executions: 4 }]);
  }, 120_000);
});

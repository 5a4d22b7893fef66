import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { generateText, jsonSchema, type LanguageModel, streamText, tool } from 'ai';
import { type ScriptedModel, startModel } from './start-model.mjs';

const reads = tool({ inputSchema: jsonSchema({ type: 'object' }) });
const tools = { weather: reads, time: reads };

describe('scripted model', () => {
  let model: ScriptedModel;
  beforeAll(async () => {
    model = await startModel();
  });
  afterAll(() => model.stop());

  const speakers: [string, (script: string) => LanguageModel][] = [
    ['chat completions of a compatible server', (script) => createOpenAICompatible({ name: 'scripted', baseURL: model.baseUrl(script), apiKey: 'k', includeUsage: true })('m')],
    ['chat completions of OpenAI', (script) => createOpenAI({ baseURL: model.baseUrl(script), apiKey: 'k' }).chat('gpt-4o-mini')],
    ['responses', (script) => createOpenAI({ baseURL: model.baseUrl(script), apiKey: 'k' })('gpt-5-mini')],
    ['messages', (script) => createAnthropic({ baseURL: model.baseUrl(script), apiKey: 'k' })('claude-sonnet-4-5')],
  ];
  const usage = { input: 100, cache_read: 40, cache_write: 0, output: 20, reasoning: 10 };

  describe.each(speakers)('%s', (wire, speak) => {
    it('streams text in pieces, with usage', async () => {
      const name = `text ${wire}`;
      await model.script(name, { turns: [{ content: 'Grüße, 👋 world', chunks: 5, usage }] });
      const stream = streamText({ model: speak(name), prompt: 'hi', maxRetries: 0 });
      const parts: string[] = [];
      for await (const part of stream.textStream) parts.push(part);
      expect(parts.join('')).toBe('Grüße, 👋 world');
      expect(parts).toHaveLength(5);
      expect((await stream.usage).inputTokenDetails).toMatchObject({ cacheReadTokens: 40, noCacheTokens: 100 });
      expect(await stream.usage).toMatchObject({ inputTokens: 140, outputTokens: 30 });
      const [request] = await model.requests(name);
      expect(request).toMatchObject({ outcome: 'ended', turn: 0, is_stream: true, pieces: parts.map((text) => ({ kind: 'content', chars: text.length })) });
    });

    it('calls tools in parallel, and goes on with what they gave', async () => {
      const name = `tools ${wire}`;
      const called = [
        { name: 'weather', arguments: { city: 'Ulm' }, pieces: 4 },
        { name: 'time', arguments: {} },
      ];
      await model.script(name, { turns: [{ thinking: 'Hm.', content: 'Looking.', tools: called }, { content: 'It is {{result}} in turn {{turn}}.' }] });
      for (const generate of [generateText, async (options: Parameters<typeof generateText>[0]) => streamed(options)] as const) {
        const first = await generate({ model: speak(name), prompt: 'hi', tools, maxRetries: 0 });
        expect(first.text).toBe('Looking.');
        expect(first.toolCalls.map((call) => [call.toolName, call.input])).toEqual([
          ['weather', { city: 'Ulm' }],
          ['time', {}],
        ]);
        const results = first.toolCalls.map((call) => ({
          type: 'tool-result' as const,
          toolCallId: call.toolCallId,
          toolName: call.toolName,
          output: { type: 'text' as const, value: `12:0${call.toolName.length}` },
        }));
        const messages = [{ role: 'user' as const, content: 'hi' }, ...first.response.messages, { role: 'tool' as const, content: results }];
        const second = await generate({ model: speak(name), messages, tools, maxRetries: 0 });
        expect(second.text).toBe('It is 12:04 in turn 1.');
      }
    });

    it('refuses its first requests as told', async () => {
      const name = `fails ${wire}`;
      await model.script(name, { api_key: 'k', turns: [{ content: 'ok', fails: [{ status: 429, times: 1, retry_after: 7 }, { status: 500 }] }] });
      const ask = () => generateText({ model: speak(name), prompt: 'hi', maxRetries: 0 });
      await expect(ask()).rejects.toMatchObject({ statusCode: 429, isRetryable: true, responseHeaders: { 'retry-after': '7' } });
      await expect(ask()).rejects.toMatchObject({ statusCode: 500 });
      expect((await ask()).text).toBe('ok');
      expect((await model.requests(name)).map(({ outcome }) => outcome)).toEqual(['failed', 'failed', 'ended']);
    });

    it('breaks off in the middle, then not', async () => {
      const name = `cut ${wire}`;
      await model.script(name, { turns: [{ content: ['a', 'b', 'c'], cut: { after: 2 } }] });
      await expect(streamed({ model: speak(name), prompt: 'hi', maxRetries: 0 })).rejects.toThrow();
      expect((await streamed({ model: speak(name), prompt: 'hi', maxRetries: 0 })).text).toBe('abc');
      expect((await model.requests(name)).map(({ outcome, pieces }) => [outcome, pieces.length])).toEqual([
        ['cut', 2],
        ['ended', 3],
      ]);
    });

    it('hangs at a gate until that is opened', async () => {
      const name = `gate ${wire}`;
      await model.script(name, { turns: [{ content: ['a', 'b'], gates: [{ name, after: 1 }] }] });
      const parts = streamText({ model: speak(name), prompt: 'hi', maxRetries: 0 }).textStream[Symbol.asyncIterator]();
      expect(await parts.next()).toEqual({ done: false, value: 'a' });
      expect((await model.gates())[name]).toEqual({ isOpen: false, waiting: 1 });
      expect((await model.counts())[name]).toMatchObject({ requests: 1, open: 1 });
      await model.open(name);
      expect(await parts.next()).toEqual({ done: false, value: 'b' });
    });
  });

  it.each(speakers.filter(([wire]) => wire !== 'chat completions of OpenAI'))('thinks aloud in %s', async (wire, speak) => {
    const name = `thinks ${wire}`;
    await model.script(name, { turns: [{ thinking: 'Let me think.', content: 'Done.' }] });
    const said = await streamed({ model: speak(name), prompt: 'hi', maxRetries: 0 });
    expect([said.reasoningText, said.text]).toEqual(['Let me think.', 'Done.']);
  });

  it('says what a message tells it to, and knows no other models', async () => {
    const speak = createOpenAICompatible({ name: 'scripted', baseURL: model.baseUrl(), apiKey: 'k' });
    const script = JSON.stringify({ turns: [{ content: 'by message: {{user}}' }] });
    expect((await generateText({ model: speak('any'), prompt: `<script>${script}</script> hello`, maxRetries: 0 })).text).toBe('by message: hello');
    expect((await generateText({ model: speak('scripted'), prompt: 'hello', maxRetries: 0 })).text).toBe('You said: hello');
    await expect(generateText({ model: speak('gpt-nothing'), prompt: 'hello', maxRetries: 0 })).rejects.toMatchObject({
      statusCode: 404,
      message: expect.stringContaining('gpt-nothing'),
    });
  });

  it('notices when its client leaves', async () => {
    await model.script('left', { turns: [{ content: ['a', 'b'], gates: [{ name: 'never', after: 1 }] }] });
    const leaving = new AbortController();
    const parts = streamText({
      model: createOpenAICompatible({ name: 'scripted', baseURL: model.baseUrl('left') })('m'),
      prompt: 'hi',
      abortSignal: leaving.signal,
    }).textStream[Symbol.asyncIterator]();
    await parts.next();
    leaving.abort();
    const deadline = Date.now() + 50_000;
    while ((await model.counts()).left?.open !== 0) {
      if (Date.now() > deadline) throw new Error('Expected the model to notice within 50 s');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(await model.requests('left')).toMatchObject([{ outcome: 'left' }]);
  });
});

/** As `generateText`, over a stream. */
const streamed = async (options: Parameters<typeof streamText>[0]) => {
  let failure: unknown;
  const stream = streamText({ ...options, onError: ({ error }) => void (failure = error) });
  await stream.consumeStream();
  if (failure) throw failure;
  const [text, toolCalls, reasoningText, response] = await Promise.all([stream.text, stream.toolCalls, stream.reasoningText, stream.response]);
  return { text, toolCalls, reasoningText, response };
};

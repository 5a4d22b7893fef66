import type { Json } from '@runlog/execution';
import type { ModelChoice } from '@runlog/workflow';
import { settingsOf } from './call-settings.js';
import type { AnswerPart, Message } from './conversation.js';
import { type Called, failureInStream, ModelFailed, modelFailure } from './model-failed.js';
import { picturesIn } from './pictures-in-chunks.js';
import { promptOf } from './prompt.js';
import { sdkModel, urlOf } from './providers.js';
import type { SdkCall, SdkPart } from './sdk.js';

/** A tool as models are told of it. */
interface ToolOffer {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: Json;
}

export interface ModelRequest {
  readonly system: string | undefined;
  readonly messages: readonly Message[];
  readonly tools: readonly ToolOffer[];
  readonly maxOutputTokens: number;
}

/** How one call reaches out, and who listens. */
export interface ModelCall {
  readonly fetch: typeof globalThis.fetch;
  readonly key: string | undefined;
  readonly signal: AbortSignal;
  /** Text as it comes, in the order of the answer. */
  hear(kind: 'content' | 'thinking', text: string): void;
}

export interface Answer {
  readonly parts: readonly AnswerPart[];
  readonly finish: 'stop' | 'length' | 'content-filter' | 'tool-calls' | 'other';
  /** What it used, as the provider reported it; null: it did not say. */
  readonly usage: Json;
}

export const modelId = ({ provider, name }: ModelChoice): string => `${provider}/${name}`;

/** Rejects with `ModelFailed`, or with the signal's reason. One request, never repeated here. */
export const callModel = async (choice: ModelChoice, request: ModelRequest, call: ModelCall): Promise<Answer> => {
  const { provider, name, secret } = choice;
  const called: Called = { provider, name, host: hostOf(choice), secret };
  let isStreaming = false;
  try {
    const model = await sdkModel(choice, call.key, call.fetch);
    const { stream } = await model.doStream(sdkCall(choice, request, call.signal));
    isStreaming = true;
    return await heard(stream, called, call);
  } catch (error) {
    if (call.signal.aborted) throw call.signal.reason;
    throw modelFailure(error, called, isStreaming);
  }
};

/** The most bytes of text that the request can have on the wire, images apart. */
export const requestBytes = ({ system, messages, tools }: ModelRequest): number => Buffer.byteLength(JSON.stringify({ system, messages, tools }));

const hostOf = (choice: ModelChoice): string => {
  const url = urlOf(choice);
  return URL.canParse(url) ? new URL(url).host : url;
};

const sdkCall = (choice: ModelChoice, { system, messages, tools, maxOutputTokens }: ModelRequest, abortSignal: AbortSignal): SdkCall => ({
  ...settingsOf(choice),
  prompt: promptOf(system, messages, modelId(choice)),
  maxOutputTokens,
  abortSignal,
  includeRawChunks: choice.provider !== 'anthropic',
  ...(tools.length > 0 ? { tools: tools.map(({ name, description, inputSchema }) => ({ type: 'function', name, description, inputSchema: inputSchema as never })) } : {}),
});

const heard = async (stream: ReadableStream<SdkPart>, called: Called, call: ModelCall): Promise<Answer> => {
  const parts = new Parts();
  for await (const part of stream)
    switch (part.type) {
      case 'text-delta':
        parts.add('text', part.id, part.delta, part.providerMetadata);
        if (part.delta !== '') call.hear('content', part.delta);
        break;
      case 'reasoning-start':
      case 'reasoning-delta':
      case 'reasoning-end':
        parts.add('thinking', part.id, 'delta' in part ? part.delta : '', part.providerMetadata);
        if ('delta' in part && part.delta !== '') call.hear('thinking', part.delta);
        break;
      case 'tool-call':
        parts.push({ type: 'call', id: part.toolCallId, name: part.toolName, text: part.input, ...metaOf(part.providerMetadata) });
        break;
      case 'file':
        if (part.mediaType.startsWith('image/'))
          parts.push({ type: 'image', media_type: part.mediaType, data: typeof part.data === 'string' ? part.data : Buffer.from(part.data).toString('base64') });
        break;
      case 'raw':
        for (const image of picturesIn(part.rawValue)) parts.push(image);
        break;
      case 'error':
        throw part.error instanceof Error ? modelFailure(part.error, called, true) : failureInStream(part.error, called);
      case 'finish': {
        const { unified } = part.finishReason;
        if (unified === 'error') throw new ModelFailed('model_cut_off', `Expected model '${called.name}' at ${called.host} to end its answer, but it failed`, true, 'unknown');
        return { parts: parts.all, finish: unified, usage: (part.usage.raw as Json | undefined) ?? null };
      }
      default:
    }
  throw new ModelFailed('model_cut_off', `Expected model '${called.name}' at ${called.host} to end its answer, but it broke off`, true, 'unknown');
};

const metaOf = (meta: unknown): { meta?: Json } => (meta && Object.keys(meta).length > 0 ? { meta: meta as Json } : {});

/** Parts as they grow: pieces of one id are one part. */
class Parts {
  readonly #all: AnswerPart[] = [];
  readonly #open = new Map<string, { at: number; texts: string[] }>();

  get all(): readonly AnswerPart[] {
    for (const { at, texts } of this.#open.values()) this.#all[at] = { ...(this.#all[at] as Extract<AnswerPart, { type: 'text' }>), text: texts.join('') };
    return this.#all.filter((part) => !(part.type === 'text' && part.text === ''));
  }

  push(part: AnswerPart): void {
    this.#all.push(part);
  }

  add(type: 'text' | 'thinking', id: string, text: string, meta: unknown): void {
    const key = `${type}:${id}`;
    let open = this.#open.get(key);
    // An id that comes up again after something else is a new part: the order of an answer is kept.
    if (!open || (open.at !== this.#all.length - 1 && text !== '')) {
      open = { at: this.#all.length, texts: [] };
      if (this.#open.has(key)) this.#open.set(`${key}#${open.at}`, this.#open.get(key) as { at: number; texts: string[] });
      this.#open.set(key, open);
      this.#all.push({ type, text: '' });
    }
    open.texts.push(text);
    if (meta && Object.keys(meta).length > 0) this.#all[open.at] = { ...(this.#all[open.at] as Extract<AnswerPart, { type: 'text' }>), ...metaOf(meta) };
  }
}

import { setTimeout as pause } from 'node:timers/promises';
import { mostItCanCost, type Spending, spendingOf } from '@runlog/cost';
import type { Json, TokensUse } from '@runlog/execution';
import type { ModelChoice } from '@runlog/workflow';
import { type NodeContext, NodeFailure, terminal } from '../kinds/node-kind.js';
import type { Agency } from './agency.js';
import { type Journal, nthTry } from './journal.js';
import { type Answer, callModel, type ModelRequest, modelId, requestBytes } from './models/call-model.js';
import type { AnswerPart, Message } from './models/conversation.js';
import { fetchThrough } from './models/egress-fetch.js';
import { ModelFailed } from './models/model-failed.js';
import type { SpokenPart } from './speech.js';
import { tracedCall } from './traced-call.js';
import type { Voice } from './voice.js';

/** What a model call came to, as the journal keeps it. Of one that failed only what was heard of it. */
export interface ModelReceipt {
  readonly parts: readonly AnswerPart[];
  readonly finish: Answer['finish'];
  /** `<provider>/<name>` of who said it. */
  readonly by: string;
  readonly isFallback: boolean;
  /** All of them; null: the provider did not say. */
  readonly tokens: number | null;
  readonly heard: { readonly content: SpokenPart; readonly thinking: SpokenPart };
}

/** A model is called so often before the next one is. */
const MAX_TRIES = 4;
const BACKOFF_MS = { first: 500, factor: 2, most: 15_000 };
/** Told to wait for longer, the next model is called, or the node fails and says when to try again. */
const LONGEST_WAIT_MS = 60_000;
const DEFAULT_MAX_OUTPUT_TOKENS = 4_096;

/** Calls a model until one has answered: with retries, then with the fallback. Each try is a call of its own with intent and receipt. */
export class ModelTurns {
  readonly #choices: readonly ModelChoice[];
  /** Once the first model has failed for good, the rest of the attempts' calls go to the fallback. */
  #from = 0;

  constructor(
    private readonly context: NodeContext,
    private readonly agency: Agency,
    private readonly journal: Journal,
    private readonly voice: Voice,
    model: ModelChoice,
    fallback: ModelChoice | undefined,
  ) {
    this.#choices = fallback ? [model, fallback] : [model];
  }

  /** @throws NodeFailure when no model answers */
  async answer(key: string, asked: Omit<ModelRequest, 'maxOutputTokens'>, tokensLeft: number): Promise<ModelReceipt> {
    const tries = this.journal.tries(key);
    const answered = tries.find(({ standing, error }) => standing === 'recorded' && !error);
    if (answered) return this.#took(answered.receipt as unknown as ModelReceipt);
    const failures = tries
      .filter(({ error, attempt }) => error && this.#counts(error.retryable, attempt))
      .map(({ error, receipt }) => ({ retryable: error?.retryable ?? false, isFallback: isFallback(receipt) }));
    let nth = tries.length;
    for (let which = this.#from; which < this.#choices.length; which++) {
      const choice = this.#choices[which] as ModelChoice;
      const before = failures.filter((failure) => failure.isFallback === which > 0);
      let failure: ModelFailed | undefined;
      for (let count = before.length; count < MAX_TRIES && !before.some(({ retryable }) => !retryable); count++) {
        if (count > 0 && !(await this.#waited(count, failure))) break;
        const outcome = await this.#try(nthTry(key, ++nth), choice, which > 0, { ...asked, maxOutputTokens: mostOutput(choice, tokensLeft) });
        if (!(outcome instanceof ModelFailed)) return this.#took(outcome);
        failure = outcome;
        if (!failure.retryable) break;
      }
      const isLast = which === this.#choices.length - 1;
      this.context.log(isLast ? 'error' : 'warn', `${failure?.message ?? `Model '${choice.name}' failed`}${isLast ? '' : '; the fallback is called'}`);
      if (isLast) throw failed(failure, choice);
    }
    throw terminal('model_unavailable', 'Expected a model to answer, but all have failed');
  }

  /** A node that is tried again calls its models again, but for those that no call can mend. */
  #counts(isRetryable: boolean, attempt: number | undefined): boolean {
    return !isRetryable || attempt === undefined || attempt === this.agency.task.attempt;
  }

  /** What was heard of an answer that guardrails let pass. What they block was paid for. */
  async #passed(key: string, isFallback: boolean, used: Spending): Promise<ModelReceipt['heard']> {
    try {
      return this.voice.end(true);
    } catch (error) {
      if (error instanceof NodeFailure) {
        const receipt = { heard: this.voice.end(false), isFallback };
        await this.journal.record({ key, receipt: receipt as unknown as Json, error: { code: error.code, message: error.message, retryable: false }, used });
      }
      throw error;
    }
  }

  #took(receipt: ModelReceipt): ModelReceipt {
    if (receipt.isFallback) this.#from = Math.min(1, this.#choices.length - 1);
    return receipt;
  }

  /** False: the wait that the provider asks for is longer than anybody waits here. */
  async #waited(count: number, failure: ModelFailed | undefined): Promise<boolean> {
    const asked = failure?.retryAfterMs;
    if (asked !== undefined && asked > LONGEST_WAIT_MS) return false;
    const backoff = Math.min(BACKOFF_MS.most, BACKOFF_MS.first * BACKOFF_MS.factor ** (count - 1));
    const waitMs = Math.max(asked ?? 0, backoff * (0.5 + Math.random() / 2));
    await pause(waitMs, undefined, { signal: this.context.signal }).catch(() => this.context.signal.throwIfAborted());
    return true;
  }

  async #try(key: string, choice: ModelChoice, isFallback: boolean, request: ModelRequest): Promise<ModelReceipt | ModelFailed> {
    const { context, agency, journal, voice } = this;
    const { steps, prices } = agency;
    const key_ = choice.secret === undefined ? undefined : await context.secrets(choice.secret);
    const at = new Date();
    const price = prices.priceOf(choice.provider, choice.name, at);
    const thinking = choice.provider === 'anthropic' ? (choice.parameters?.thinking_tokens ?? 0) : 0;
    const reserve = price ? String(mostItCanCost(price, requestBytes(request), imagesIn(request.messages), request.maxOutputTokens + thinking)) : null;
    await steps.begin([{ key, kind: 'model', name: choice.name, reserve_nano_usd: reserve }]);
    const began = performance.now();
    voice.begin();
    try {
      const answer = await callModel(choice, request, { fetch: fetchThrough(context.egress, tracedCall(agency.task, key)), key: key_, signal: context.signal, hear: voice.hear });
      const used = spendingOf(prices, { provider: choice.provider, model: choice.name, at, usage: answer.usage });
      const heard = await this.#passed(key, isFallback, used);
      const receipt: ModelReceipt = { parts: voice.checked(answer.parts), finish: answer.finish, by: modelId(choice), isFallback, tokens: sumOf(used), heard };
      const ms = Math.round(performance.now() - began);
      if (answer.finish === 'length')
        context.log('warn', `The answer of model '${choice.name}' was cut at ${request.maxOutputTokens} tokens; raise 'model.parameters.max_tokens' if it needs more`, {
          call: key,
        });
      context.log('debug', `Model '${choice.name}' answered in ${ms} ms`, { call: key, ms, finish: answer.finish, tokens: used.tokens as Json });
      return (await journal.record({ key, receipt: receipt as unknown as Json, used })) as unknown as ModelReceipt;
    } catch (error) {
      if (!(error instanceof ModelFailed)) throw error;
      const receipt = { heard: voice.end(false), isFallback };
      const used: { used?: TokensUse } = error.work === 'none' ? {} : { used: { provider: choice.provider, model: choice.name, tokens: null, cost_nano_usd: null, price: null } };
      context.log('warn', error.message, { call: key, code: error.code, retryable: error.retryable });
      await journal.record({ key, receipt: receipt as unknown as Json, error: { code: error.code, message: error.message, retryable: error.retryable }, ...used });
      return error;
    }
  }
}

const isFallback = (receipt: Json | undefined): boolean => (receipt as { isFallback?: boolean } | undefined)?.isFallback === true;

const mostOutput = ({ parameters }: ModelChoice, tokensLeft: number): number => Math.max(1, Math.min(parameters?.max_tokens ?? DEFAULT_MAX_OUTPUT_TOKENS, tokensLeft));

const imagesIn = (messages: readonly Message[]): number =>
  messages.reduce(
    (sum, message) => sum + (message.role === 'user' ? message.images.length : message.role === 'tool' ? message.results.flatMap(({ images }) => images).length : 0),
    0,
  );

const sumOf = ({ tokens }: Spending): number | null => (tokens ? tokens.input + tokens.cache_read + tokens.cache_write + tokens.output + tokens.reasoning : null);

const failed = (failure: ModelFailed | undefined, { name }: ModelChoice): NodeFailure =>
  failure
    ? new NodeFailure({ code: failure.code, message: failure.message, retryable: failure.retryable, retryAfterMs: failure.retryAfterMs }, { cause: failure })
    : new NodeFailure({ code: 'model_unavailable', message: `Expected model '${name}' to answer, but it failed ${MAX_TRIES} times`, retryable: true });

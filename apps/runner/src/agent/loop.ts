import type { Json } from '@runlog/execution';
import { type PinnedAgent, validateJson } from '@runlog/workflow';
import { type NodeContext, type NodeResult, terminal } from '../kinds/node-kind.js';
import type { Agency } from './agency.js';
import { Guardrails } from './guardrails.js';
import { Journal } from './journal.js';
import { ModelTurns } from './model-turn.js';
import type { AnswerPart, CallPart, Message } from './models/conversation.js';
import { repairRequest, schemaInstruction, structured } from './output.js';
import { sessionMessages } from './session.js';
import { ToolTurns } from './tool-turn.js';
import { openTools } from './tools/index.js';
import { firstMessages } from './user-message.js';
import { Voice } from './voice.js';

const DEFAULT_STEPS = 50;
const MAX_REPAIRS = 2;
/** What a provider does not count is counted as so many characters a token. */
const CHARS_PER_TOKEN = 4;

/** One attempt of an agent, from its first call, or the one that an earlier attempt was interrupted in, to its output. */
export const runAgent = async (context: NodeContext, agency: Agency): Promise<NodeResult> => {
  const agent = context.config.agent as unknown as PinnedAgent;
  const warn = (message: string) => context.log('warn', message);
  const input = new Guardrails(agent.guardrails, 'input', warn).value(checkedInput(agent, context.config.input ?? context.scope.input));
  const journal = await Journal.open(agency);
  const output = new Guardrails(agent.guardrails, 'output', warn);
  const voice = new Voice(agency, output, context.signal);
  const [{ system, user }] = await Promise.all([
    firstMessages(agent, input, context.scope, { at: agency.task.at, commandId: agency.task.idempotencyKey }),
    voice.takeUp(journal, agency, context.signal),
  ]);
  const history = await sessionMessages(agent, context, agency, journal);
  const tools = await openTools(agent.tools, context);
  try {
    const models = new ModelTurns(context, agency, journal, voice, agent.model, agent.fallback);
    const uses = new ToolTurns(context, agency, journal, voice.telling, tools, agent.key);
    const told = [system, ...(agent.output_schema === undefined ? [] : [schemaInstruction(agent.output_schema)])].filter((text) => text !== undefined);
    const asked = { system: told.length > 0 ? told.join('\n\n') : undefined, tools };
    const result = await converse(agent, [...history, user], asked, models, uses);
    const value = output.value(result.structured ?? { response: voice.text, ...(result.images.length > 0 ? { images: [...result.images] } : {}) });
    return { output: value };
  } finally {
    await voice.telling.told();
  }
};

/** Of an agent in a workflow; executions of agents were checked before. */
const checkedInput = (agent: PinnedAgent, input: Json): Json => {
  const [problem] = agent.input_schema === undefined ? [] : validateJson(agent.input_schema, input);
  if (problem)
    throw terminal('input_invalid', `Expected an input that agent '${agent.key}' takes, but ${problem.pointer === '' ? '' : `at '${problem.pointer}': `}${problem.detail}`);
  return input;
};

interface Conversed {
  /** By the agent's output schema; null is a value too, undefined: it has none. */
  readonly structured: Json | undefined;
  readonly images: readonly { readonly media_type: string; readonly data: string }[];
}

const converse = async (
  agent: PinnedAgent,
  first: readonly Message[],
  asked: Pick<Parameters<ModelTurns['answer']>[1], 'system' | 'tools'>,
  models: ModelTurns,
  uses: ToolTurns,
): Promise<Conversed> => {
  const { steps = DEFAULT_STEPS, tokens: tokenLimit = Infinity } = agent.limits;
  const messages: Message[] = [...first];
  const images: Conversed['images'][number][] = [];
  let tokens = 0;
  let repairs = 0;
  const checkLimits = (nth: number): void => {
    if (nth > steps)
      throw terminal('steps_exhausted', `Expected agent '${agent.key}' to end within ${steps} model calls, but it asks for more; raise 'limits.steps' if it needs them`);
    if (tokens >= tokenLimit)
      throw terminal('tokens_exhausted', `Expected agent '${agent.key}' to end within ${tokenLimit} tokens, but it has used ${tokens}; raise 'limits.tokens' if it needs more`);
  };
  for (let nth = 1; ; nth++) {
    checkLimits(nth);
    const key = `m${nth}`;
    const answer = await models.answer(key, { ...asked, messages }, tokenLimit - tokens);
    tokens += answer.tokens ?? Math.ceil(JSON.stringify([messages, answer.parts]).length / CHARS_PER_TOKEN);
    const parts = withOwnIds(answer.parts, key);
    messages.push({ role: 'assistant', parts, by: answer.by });
    for (const part of parts) if (part.type === 'image') images.push({ media_type: part.media_type, data: part.data });
    const calls = parts.filter((part): part is CallPart => part.type === 'call');
    if (calls.length > 0) {
      // No tool is used whose result the model could not be told.
      checkLimits(nth + 1);
      messages.push({ role: 'tool', results: await uses.results(key, calls) });
      continue;
    }
    const text = parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
    if (answer.finish === 'content-filter' && text === '')
      throw terminal('model_content_filtered', `Expected model '${answer.by}' to answer, but its provider filtered the answer out`);
    if (agent.output_schema === undefined) return { structured: undefined, images };
    const given = structured(text, agent.output_schema);
    if ('value' in given) return { structured: given.value, images };
    if (++repairs > MAX_REPAIRS) throw terminal('output_invalid', `Expected agent '${agent.key}' to answer by its output schema, but after ${MAX_REPAIRS} repairs ${given.wrong}`);
    messages.push({ role: 'user', text: repairRequest(given.wrong), images: [] });
  }
};

/** Ids that the model chose stay if every provider takes them and each is there once. */
const withOwnIds = (parts: readonly AnswerPart[], key: string): readonly AnswerPart[] => {
  const seen = new Set<string>();
  let nth = 0;
  return parts.map((part) => {
    if (part.type !== 'call') return part;
    nth++;
    const isSound = /^[A-Za-z0-9_-]{1,64}$/.test(part.id) && !seen.has(part.id);
    const id = isSound ? part.id : `${key}_t${nth}`;
    seen.add(id);
    return { ...part, id };
  });
};

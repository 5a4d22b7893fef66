import type { Call, Json, TokensUse } from '@runlog/execution';
import { type Attributes, attributes } from './span.js';

/**
 * The names of the OpenTelemetry semantic conventions that a trace uses: all of them here. Those of generative AI are not stable upstream, hence copied
 * (as OpenTelemetry asks libraries to do); a spec holds them against the installed package.
 */
export const names = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  requestModel: 'gen_ai.request.model',
  responseModel: 'gen_ai.response.model',
  finishReasons: 'gen_ai.response.finish_reasons',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cacheReadTokens: 'gen_ai.usage.cache_read.input_tokens',
  cacheWriteTokens: 'gen_ai.usage.cache_creation.input_tokens',
  reasoningTokens: 'gen_ai.usage.reasoning.output_tokens',
  toolName: 'gen_ai.tool.name',
  toolCallId: 'gen_ai.tool.call.id',
  toolResult: 'gen_ai.tool.call.result',
  agentId: 'gen_ai.agent.id',
  agentName: 'gen_ai.agent.name',
  agentVersion: 'gen_ai.agent.version',
  conversation: 'gen_ai.conversation.id',
  outputMessages: 'gen_ai.output.messages',
  errorType: 'error.type',
  userId: 'user.id',
} as const;

/** What a trace tells of the agent that a node runs. */
export interface TracedAgent {
  readonly agent_id: string;
  readonly version: number;
  readonly key: string;
  readonly name: string;
  readonly model: { readonly provider: string; readonly name: string };
  readonly fallback?: { readonly provider: string; readonly name: string };
}

export const agentAttributes = (agent: TracedAgent): Attributes => ({
  [names.operation]: 'invoke_agent',
  [names.agentId]: agent.agent_id,
  [names.agentName]: agent.name,
  [names.agentVersion]: String(agent.version),
  [names.provider]: agent.model.provider,
  [names.requestModel]: agent.model.name,
});

/** Name, kind and attributes of the span of a call. */
export const callSpan = (
  key: string,
  { kind, name, arguments_sha256 }: Call,
  agent: TracedAgent | undefined,
): { name: string; kind: 'client' | 'internal'; attributes: Attributes } => {
  const called = [agent?.model, agent?.fallback].find((model) => model?.name === name);
  if (kind === 'model')
    return {
      name: `chat ${name}`,
      kind: 'client',
      attributes: attributes({ [names.operation]: 'chat', [names.requestModel]: name, [names.provider]: called?.provider, 'runlog.call.key': key }),
    };
  return {
    name: `execute_tool ${name}`,
    kind: 'internal',
    attributes: attributes({
      [names.operation]: 'execute_tool',
      [names.toolName]: name,
      [names.toolCallId]: key,
      'runlog.call.key': key,
      'runlog.call.arguments_sha256': arguments_sha256,
    }),
  };
};

/** The conventions count cached tokens with the input and reasoning with the output. Unknown is left out, never 0. */
export const usageAttributes = ({ provider, model, tokens, cost_nano_usd, price }: TokensUse): Attributes =>
  attributes({
    [names.provider]: provider,
    [names.responseModel]: model,
    [names.inputTokens]: tokens && tokens.input + tokens.cache_read + tokens.cache_write,
    [names.outputTokens]: tokens && tokens.output + tokens.reasoning,
    [names.cacheReadTokens]: tokens?.cache_read,
    [names.cacheWriteTokens]: tokens?.cache_write,
    [names.reasoningTokens]: tokens?.reasoning,
    'runlog.cost_nano_usd': cost_nano_usd,
    'runlog.cost_price': price,
  });

/** Why a model stopped, as its receipt says. */
export const finishAttributes = (kind: Call['kind'], receipt: Json | undefined): Attributes => {
  const finish = kind === 'model' && typeof receipt === 'object' && receipt !== null && !Array.isArray(receipt) ? receipt.finish : undefined;
  return typeof finish === 'string' ? { [names.finishReasons]: [finish] } : {};
};

/** What a call gave, for traces that show contents. */
export const receiptAttributes = (kind: Call['kind'], receipt: string | undefined): Attributes =>
  attributes({ [kind === 'model' ? names.outputMessages : names.toolResult]: receipt });

const MOST_SHOWN = 16_384;

/** A content as an attribute: JSON, cut where it is long. */
export const shown = (content: Json): string => {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  return text.length <= MOST_SHOWN ? text : `${text.slice(0, MOST_SHOWN)}…`;
};

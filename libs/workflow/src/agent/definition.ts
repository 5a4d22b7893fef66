import type { Json } from '../definition.js';

type Members = { readonly [member: string]: Json };

/** Which model is called, and how. */
export interface ModelChoice {
  readonly provider: 'openai_compatible' | 'openai' | 'anthropic';
  /** As the provider calls it, e.g. `gpt-5-mini`. */
  readonly name: string;
  /** Needed by `openai_compatible`; the others have their own. */
  readonly base_url?: string;
  /** Name of the secret that holds the provider's key. */
  readonly secret?: string;
  readonly parameters?: ModelParameters;
}

/** What is not said is the provider's default. */
export interface ModelParameters {
  readonly temperature?: number;
  readonly top_p?: number;
  readonly top_k?: number;
  /** The most tokens that one answer may have. */
  readonly max_tokens?: number;
  readonly stop?: readonly string[];
  readonly seed?: number;
  readonly presence_penalty?: number;
  readonly frequency_penalty?: number;
  readonly reasoning_effort?: 'none' | 'minimal' | 'low' | 'medium' | 'high';
  /** Tokens for thinking, where the provider takes a budget. */
  readonly thinking_tokens?: number;
  readonly parallel_tool_calls?: boolean;
  /** Passed to the provider as they are. */
  readonly provider_options?: Members;
}

/** What people are asked before a tool runs; the arguments are shown to them in any case. */
export interface ToolApproval {
  readonly prompt?: string;
  readonly approvers?: Members;
  readonly expires_in_seconds?: number;
  readonly on_expiry?: 'approve' | 'reject' | 'fail';
  readonly reminders_seconds?: readonly number[];
}

/** Something that the model may call. In a config's templates `input` is the arguments of the call. */
export interface ToolDefinition {
  /** As the model sees it; of an `mcp` server the beginning of its tools' names. */
  readonly name: string;
  readonly kind: 'http' | 'code' | 'mcp' | 'ask_human';
  readonly description?: string;
  /** JSON Schema of the arguments. Default: any object. A server of kind `mcp` brings its own. */
  readonly input_schema?: Json;
  readonly config: Members;
  readonly approval?: boolean | ToolApproval;
  readonly timeout_ms?: number;
  /** Nobody knows whether a call had its effect: it is repeated (default), or people are asked. */
  readonly on_unknown?: 'repeat' | 'ask';
}

/** A check of what goes in or comes out. `redact` replaces what the pattern finds. */
export interface Guardrail {
  readonly name?: string;
  readonly on: 'input' | 'output';
  readonly kind: 'regex' | 'json_schema';
  readonly action: 'block' | 'redact';
  /** `regex`: searched in every text, RE2 syntax. */
  readonly pattern?: string;
  /** `regex`: any of `i`, `m`, `s`. */
  readonly flags?: string;
  /** `redact`: instead of what was found. Default: `[redacted]`. */
  readonly replacement?: string;
  /** `json_schema`: what does not fit it is blocked. */
  readonly schema?: Json;
  /** For whoever is told that it was blocked. */
  readonly message?: string;
}

export interface AgentLimits {
  /** Model calls in one execution. Default: 50. */
  readonly steps?: number;
  /** Tokens of all model calls in one execution. */
  readonly tokens?: number;
  /** How long one attempt may take. */
  readonly seconds?: number;
  readonly budget_usd?: number;
  /** A call that doesn't fit the budget: ask people to raise it (default), or fail. */
  readonly on_budget?: 'suspend' | 'fail';
  /** How much of a session's messages is put before the model. Default: 8,000. */
  readonly session_tokens?: number;
}

/** An agent's definition as published (design of the public API, section "Definitions"); snake case because it is the stored and public shape. */
export interface AgentDefinition {
  readonly key: string;
  readonly name: string;
  readonly description?: string;
  readonly model: ModelChoice;
  /** Called when `model` fails for good. */
  readonly fallback?: ModelChoice;
  /** May hold `{{ }}` over `input` and `execution`. */
  readonly system_prompt?: string;
  /** The user's message, with `{{ }}` over `input` and `execution`. Default: `input.message` if it is text, else the input as JSON. */
  readonly prompt_template?: string;
  readonly tools: readonly ToolDefinition[];
  readonly guardrails: readonly Guardrail[];
  readonly input_schema?: Json;
  readonly output_schema?: Json;
  readonly limits: AgentLimits;
}

/** An agent's version as a workflow's version pins it for one of its nodes. */
export interface PinnedAgent extends AgentDefinition {
  readonly agent_id: string;
  readonly agent_version_id: string;
  readonly version: number;
}

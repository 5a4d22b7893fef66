import type { Json } from '@runlog/execution';
import type { NodeContext } from '../../kinds/node-kind.js';

/** A picture that a tool gives beside its output, for models that take pictures. */
export interface Picture {
  /** E.g. `image/png`. */
  readonly mediaType: string;
  readonly base64: string;
}

/** What a tool call came to; `isError`: the model is told so, and the loop goes on. */
export interface ToolResult {
  readonly output: Json;
  readonly isError?: boolean;
  /** One line for people who watch. */
  readonly summary?: string;
  readonly pictures?: readonly Picture[];
}

/** What one call of a tool may touch. */
export interface ToolContext extends Pick<NodeContext, 'signal' | 'scope' | 'log' | 'secrets' | 'conceal' | 'egress' | 'sandbox' | 'mcp'> {
  /** Stable over repeats of this very call: what a target may use to tell a repeat. */
  readonly idempotencyKey: string;
  /** W3C Trace Context, for what the call causes elsewhere. */
  readonly traceparent?: string | undefined;
  /** How often this very call has been begun before, in an attempt that was lost. */
  readonly repeats: number;
}

/** One function that a model may call. What `call` throws as a NodeFailure is told to the model like any other error, unless the attempt was aborted. */
export interface Tool {
  /** As the model sees it: unique within the agent, `[A-Za-z0-9_-]{1,64}`. */
  readonly name: string;
  readonly description: string;
  /** JSON Schema (2020-12) of the arguments; checked before `call`, `ask` and approvals. */
  readonly inputSchema: Json;
  /** Rules of the approval gate that opens before each call, as an approval node's config; null: none opens. The loop adds the arguments to its prompt. */
  readonly needsApproval: { readonly [member: string]: Json } | null;
  /** The longest that one call may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Of a call that was begun and whose end nobody knows: begin it again, or ask people by a gate of kind `effect`. */
  readonly onUnknown: 'repeat' | 'ask';
  call(args: Json, context: ToolContext): Promise<ToolResult>;
  /** Of a tool that people answer: the rules of the question's gate, as a question node's config. `call` is then not called: the answer is the output. */
  ask?(args: Json): Promise<{ readonly [member: string]: Json }>;
}

/** What opening tools needs: no call is on its way yet. */
export type OpeningContext = Pick<NodeContext, 'signal' | 'scope' | 'log' | 'secrets' | 'conceal' | 'egress' | 'sandbox' | 'mcp'>;

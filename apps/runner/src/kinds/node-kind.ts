import type { Json, NodeError, NodeTask } from '@runlog/execution';
import type { Agency } from '../agent/agency.js';
import type { McpAccess } from '../agent/tools/mcp/mcp-servers.js';
import type { Egress } from '../egress/egress.js';
import type { Sandbox } from '../sandbox/sandbox.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** What a node may touch; everything beside it is out of its reach. */
export interface NodeContext {
  /** The node's config with its templates resolved. */
  readonly config: { readonly [member: string]: Json };
  readonly scope: NodeTask['scope'];
  /** Aborted when the node must stop: asked to, timed out, or no longer this runner's. Its reason is the failure to report. */
  readonly signal: AbortSignal;
  /** Stable over all attempts of the node: what a target may use to tell a repeat. */
  readonly idempotencyKey: string;
  readonly attempt: number;
  /** W3C Trace Context, for what the node causes elsewhere; absent: nobody traces the execution. */
  readonly traceparent?: string | undefined;
  /** The class of effect that it declares; of `keyed` ones whatever is sent carries the key. */
  readonly effect: NodeTask['effect'];
  /** From here on the world may know of it. Called by kinds that say so, right before they reach out. */
  begins(): void;
  /** The node's own limit in milliseconds; null when its definition has none. */
  readonly timeoutMs: number | null;
  log(level: LogLevel, message: string, fields?: Json): void;
  /** A secret's value, read when asked for; from then on it is blacked out in everything that leaves the runner. @throws NodeFailure `secret_missing` */
  secrets(name: string): Promise<string>;
  /** Marks a value that was made from a secret (a header, a token) as secret too. */
  conceal(value: string): void;
  readonly egress: Egress;
  readonly sandbox: Sandbox;
  readonly mcp: McpAccess;
  /** Of kinds that take steps. */
  readonly agency?: Agency | undefined;
}

export interface NodeResult {
  readonly output: Json;
  /** For kinds that choose one of their outgoing edges. */
  readonly branch?: string;
}

/** One kind of node, in one file. */
export interface NodeKind {
  readonly kind: string;
  /** Limit for a node whose definition has none. */
  readonly defaultTimeoutMs: number;
  /** The kind ends its nodes at their limit by itself, with a code of its own. */
  readonly endsOnTime?: boolean;
  /** It tells by `begins` when its effect may begin; any other kind has begun when it is run. */
  readonly saysWhenItBegins?: boolean;
  /** Nothing that it does reaches out of this machine, so that nobody follows its trace. */
  readonly isSealed?: boolean;
  /** It makes calls on the engine's word, one step after another, and waits most of the time: its nodes take no slot from others. */
  readonly takesSteps?: boolean;
  /** More than this many at a time would only wait for each other; absent: as many as the runner has slots. */
  capacity?(sandbox: Sandbox): number;
  run(context: NodeContext): Promise<NodeResult>;
}

/** How a node fails. Thrown by `run`; anything else that is thrown is a retryable `internal`. */
export class NodeFailure extends Error {
  readonly code: string;
  /** False: trying again cannot help. */
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  /** `none`: nothing reached the world; `unknown`: nobody can tell whether it had its effect; absent: it failed, for all that is known. */
  readonly effect: NodeError['effect'];

  constructor(failure: { code: string; message: string; retryable: boolean; retryAfterMs?: number | undefined; effect?: NodeError['effect'] }, options?: ErrorOptions) {
    super(failure.message, options);
    this.code = failure.code;
    this.retryable = failure.retryable;
    this.retryAfterMs = failure.retryAfterMs;
    this.effect = failure.effect;
  }
}

/** A failure that trying again cannot mend. */
export const terminal = (code: string, message: string): NodeFailure => new NodeFailure({ code, message, retryable: false });

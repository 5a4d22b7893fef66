import type { BodyReference } from './body-reference.js';
import type { NodeError } from './commands.js';
import type { Actor, Instant, Json } from './ids.js';

/** What a call of an agent is: one request to a model, one use of a tool, or its conversation so far as it was loaded. */
export type CallKind = 'model' | 'tool' | 'session';

/** A call as the events of the agent's journal name it: those without it are about the node's own effect. `error`: how it ended, where it failed. */
export interface Call {
  readonly kind: CallKind;
  /** Of the model or the tool. */
  readonly name: string;
  readonly arguments_sha256?: string;
}

/** A call that an agent is about to make. */
export interface CallIntent {
  /** Unique in the node over its attempts: `m1`, `m2`, ... (the same model call again: `m1.2`), its tool calls `m1.t1`, `m1.t2`, .... */
  readonly key: string;
  readonly kind: 'model' | 'tool';
  /** Of the model or the tool. */
  readonly name: string;
  /** Nano-USD that it can cost at most; null: there is no price for it. A tool costs nothing where it says nothing. */
  readonly reserve_nano_usd: string | null;
  readonly arguments_sha256?: string;
}

/** Tokens of one model call; no token is in two of them. */
export interface TokenBuckets {
  /** Read without a cache. */
  readonly input: number;
  readonly cache_read: number;
  readonly cache_write: number;
  /** Text, without reasoning. */
  readonly output: number;
  readonly reasoning: number;
}

/** What a model call used. Null is unknown, never nothing. */
export interface TokensUse {
  readonly provider: string;
  readonly model: string;
  readonly tokens: TokenBuckets | null;
  /** At the price in force at the call. */
  readonly cost_nano_usd: string | null;
  readonly price: 'list' | 'override' | 'reported' | null;
}

/** What a call came to. A key that was never begun is recorded, too: of what needs no intent. */
export interface CallRecord {
  readonly key: string;
  readonly receipt: Json;
  /** Where the receipt is stored; `receipt` is null then. */
  readonly receipt_ref?: BodyReference;
  readonly error?: NodeError;
  /** Of model calls, also of those that failed. Absent: it has used nothing, for certain. */
  readonly used?: TokensUse;
}

/** A gate's rules as the config of an approval or question node says them, templates resolved. */
export interface CallGateRules {
  readonly prompt: string;
  readonly schema?: Json;
  readonly approvers?: { readonly users?: readonly string[]; readonly roles?: readonly string[]; readonly needed?: number; readonly exclude_starter?: boolean };
  readonly expires_in_seconds?: number;
  readonly on_expiry?: 'approve' | 'reject' | 'fail' | { readonly answer: Json };
  /** Default `branch`: the agent hears of it and goes on. */
  readonly on_reject?: 'reject' | 'fail' | 'branch';
  readonly reminders_seconds?: readonly number[];
}

/** What people must decide before an agent goes on with a call: let it happen, answer it, or say what became of it (`effect`). */
export interface CallGate {
  readonly key: string;
  readonly kind: 'approval' | 'question' | 'effect';
  /** Of the tool. */
  readonly name: string;
  readonly arguments_sha256?: string;
  readonly rules: CallGateRules;
}

/** One call of an agent, as the next attempt finds it: in the order in which each was first heard of. */
export interface JournalEntry {
  readonly key: string;
  readonly kind: CallKind;
  readonly name: string;
  /** `asked`: people were asked about it, and it was not begun. `begun`: no receipt came, and nobody knows whether it was had. */
  readonly standing: 'asked' | 'begun' | 'recorded';
  /** In which it was begun last. */
  readonly attempt?: number;
  readonly arguments_sha256?: string;
  readonly receipt?: Json;
  /** Where the receipt is stored; `receipt` is absent then. */
  readonly receipt_ref?: BodyReference;
  readonly error?: NodeError;
  /** What people decided on it; absent: nobody was asked, or the gate is open. */
  readonly gate?: {
    readonly decision: string;
    readonly answer: Json;
    readonly answer_ref?: BodyReference;
    readonly by: Actor;
    readonly at: Instant;
    readonly comment: string | null;
  };
}

/** Which budget did not suffice. */
export type BudgetScope = 'execution' | 'node' | 'tree' | 'workspace';

/** What the accounts outside the execution (of its tree and workspace) say to the calls of a step: filled in by the owner of the partition. */
export type AccountStanding =
  | { readonly outcome: 'reserved' }
  | { readonly outcome: 'busy' }
  | { readonly outcome: 'exhausted'; readonly scope: 'tree' | 'workspace'; readonly needed_nano_usd: string; readonly left_nano_usd: string };

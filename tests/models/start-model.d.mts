export interface Tokens {
  readonly input?: number;
  readonly cache_read?: number;
  readonly cache_write?: number;
  readonly output?: number;
  readonly reasoning?: number;
}

/** See script.mjs for what each member does. */
export interface Turn {
  readonly thinking?: string | readonly string[];
  readonly content?: string | readonly string[];
  readonly chunks?: number;
  readonly repeat?: number;
  readonly tools?: readonly { readonly name: string; readonly arguments?: unknown; readonly pieces?: number; readonly id?: string }[];
  readonly images?: readonly { readonly media_type: string; readonly data: string }[];
  readonly usage?: Tokens | null;
  readonly finish?: 'stop' | 'length' | 'content_filter' | 'tool_calls';
  readonly head_ms?: number;
  readonly first_token_ms?: number;
  readonly delay_ms?: number;
  readonly gates?: readonly { readonly name: string; readonly after: number }[];
  readonly fails?: readonly { readonly status: number; readonly times?: number; readonly retry_after?: number | string; readonly message?: string }[];
  readonly cut?: { readonly after: number; readonly times?: number };
  readonly error?: { readonly after: number; readonly times?: number };
}

export interface Script {
  readonly turns: readonly Turn[];
  readonly api_key?: string;
  readonly count?: 'conversation' | 'since_user';
  readonly record?: 'all' | 'counts';
}

/** One request that the model got. Times are milliseconds since 1970 with fractions. */
export interface ModelRequest {
  readonly n: number;
  readonly script: string | null;
  /** Which turn of its script it got, from 0. */
  readonly turn: number | null;
  readonly wire: 'chat_completions' | 'responses' | 'messages';
  readonly model: string;
  readonly is_stream: boolean;
  readonly at: number;
  readonly headers: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: a body in any of three formats, looked into by tests
  readonly body: any;
  readonly status: number;
  /** `left`: the client went away. */
  readonly outcome: 'open' | 'ended' | 'failed' | 'cut' | 'error' | 'left';
  /** When each piece was written. */
  readonly pieces: readonly { readonly at: number; readonly kind: 'thinking' | 'content' | 'tool' | 'arguments' | 'image'; readonly chars: number }[];
  readonly ended_at: number | null;
  readonly usage?: Required<Tokens> | null;
}

export interface ScriptedModel {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** For OpenAI's and Anthropic's clients alike. With a script: whatever the model's name is, it says that. */
  baseUrl(script?: string): string;
  script(name: string, script: Script): Promise<void>;
  requests(script?: string, since?: number): Promise<readonly ModelRequest[]>;
  counts(): Promise<Readonly<Record<string, { readonly requests: number; readonly open: number; readonly by_turn: Readonly<Record<string, number>>; readonly tokens: number }>>>;
  /** Forgets requests, counts, and which failures have been had. */
  forget(): Promise<void>;
  open(gate: string): Promise<void>;
  shut(gate: string): Promise<void>;
  gates(): Promise<Readonly<Record<string, { readonly isOpen: boolean; readonly waiting: number }>>>;
  stop(): Promise<void>;
}

export function startModel(): Promise<ScriptedModel>;

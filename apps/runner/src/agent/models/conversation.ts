import type { Json } from '@runlog/execution';

/** A picture as it is kept: where it is, or what it is. */
export type Image = { readonly media_type: string; readonly data: string } | { readonly media_type: string; readonly url: string };

/** What a model said, in order. `meta` is the provider's own (signatures of thinking), given back to the same model only. */
export type AnswerPart =
  | { readonly type: 'text'; readonly text: string; readonly meta?: Json }
  | { readonly type: 'thinking'; readonly text: string; readonly meta?: Json }
  /** `text`: the arguments as the model wrote them, JSON or not. */
  | { readonly type: 'call'; readonly id: string; readonly name: string; readonly text: string; readonly meta?: Json }
  | { readonly type: 'image'; readonly media_type: string; readonly data: string };

export type CallPart = Extract<AnswerPart, { type: 'call' }>;

/** What a tool call gave back. */
export interface CallResult {
  readonly id: string;
  readonly name: string;
  readonly output: Json;
  readonly isError: boolean;
  readonly images: readonly Image[];
}

/** One message of a conversation with a model. */
export type Message =
  | { readonly role: 'user'; readonly text: string; readonly images: readonly Image[] }
  /** `by`: the model that said it, `<provider>/<name>`; null: nobody knows. */
  | { readonly role: 'assistant'; readonly parts: readonly AnswerPart[]; readonly by: string | null }
  | { readonly role: 'tool'; readonly results: readonly CallResult[] };

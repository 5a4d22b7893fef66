/** What a route answers when 200 and no headers are not enough. Stored as it is for an Idempotency-Key. */
export class Answer {
  constructor(
    readonly status: number,
    readonly body?: unknown,
    readonly headers: Readonly<Record<string, string>> = {},
    /** Something of it may turn out otherwise: a repeat with the same Idempotency-Key tries again instead of getting this. */
    readonly isProvisional = false,
  ) {}
}

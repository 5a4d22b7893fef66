/** Between what two model calls said. */
const GAP = '\n\n';

/** What a record keeps of it: what was added since the record before, and where the text of a call begins that has failed so far. */
export interface SpokenPart {
  readonly said: string;
  readonly open: number | null;
}

/**
 * The text of one kind that a node says, over all its model calls and however often each of them is repeated. While a repeated call says
 * what it had said before, nothing is added; once it says something else, what had been said stays and the new text follows after a gap.
 */
export class Speech {
  #said = '';
  /** How much of it is in records. */
  #recorded = 0;
  /** Where the text of the present call begins; null: it has said nothing. */
  #call: number | null = null;
  /** How much of the present try equals what is there from `#call` on. */
  #matched = 0;

  constructor(private readonly add: (text: string, from: number) => void) {}

  get text(): string {
    return this.#said;
  }

  /** What a record of an earlier attempt says. */
  replay({ said, open }: SpokenPart): void {
    this.#said += said;
    this.#recorded = this.#said.length;
    this.#call = open;
  }

  /** What everybody has been sent so far, by all attempts. Sends what is recorded and did not get there. */
  known(text: string): void {
    if (this.#said.startsWith(text)) {
      const missing = this.#said.slice(text.length);
      if (missing !== '') this.add(missing, text.length);
      return;
    }
    const hasMore = text.startsWith(this.#said);
    const gap = this.#said === '' ? 0 : GAP.length;
    if (this.#call === null && hasMore) this.#call = this.#said.length + gap;
    this.#said = text;
    if (!hasMore) this.#call = text.length;
  }

  /** The call is made, again or for the first time. */
  begin(): void {
    this.#matched = 0;
  }

  hear(text: string): void {
    if (text === '') return;
    if (this.#call === null) {
      if (this.#said !== '') this.#say(GAP);
      this.#call = this.#said.length;
    }
    const at = this.#call + this.#matched;
    const common = Math.min(this.#said.length - at, text.length);
    if (this.#said.substring(at, at + common) !== text.substring(0, common)) return this.#diverge(text);
    this.#matched += text.length;
    if (common < text.length) this.#say(text.slice(common));
  }

  /** The call has said all. What a failed one said is taken up by the next. */
  end(isDone: boolean): SpokenPart {
    if (isDone && this.#call !== null && this.#matched > 0 && this.#call + this.#matched < this.#said.length) this.#diverge('');
    const said = this.#said.slice(this.#recorded);
    this.#recorded = this.#said.length;
    if (isDone) this.#call = null;
    this.#matched = 0;
    return { said, open: this.#call };
  }

  #diverge(text: string): void {
    const call = this.#call as number;
    const heard = this.#said.substring(call, call + this.#matched) + text;
    this.#call = this.#said.length + GAP.length;
    this.#matched = heard.length;
    this.#say(GAP + heard);
  }

  #say(text: string): void {
    const from = this.#said.length;
    this.#said += text;
    this.add(text, from);
  }
}

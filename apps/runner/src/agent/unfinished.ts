import { cleanText } from '../plain-json.js';
import type { Redaction } from '../redaction.js';

/** Text that comes in pieces, with secrets blacked out also where they begin in one piece and end in another. */
export class Unfinished {
  #held = '';

  constructor(
    private readonly redaction: Redaction,
    private readonly give: (text: string) => void,
  ) {}

  hear(text: string): void {
    const clean = this.redaction.text(this.#held + text);
    const end = clean.length - Math.max(this.redaction.beginningAtEnd(clean), isHalf(clean) ? 1 : 0);
    this.#held = clean.slice(end);
    if (end > 0) this.give(cleanText(clean.slice(0, end)));
  }

  /** Nothing follows. What may be half a secret is not given when the text was cut off. */
  end(isWhole: boolean): void {
    const rest = this.#held;
    this.#held = '';
    if (isWhole && rest !== '') this.give(cleanText(this.redaction.text(rest)));
  }
}

/** Ends in the first half of a surrogate pair. */
const isHalf = (text: string): boolean => {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff;
};

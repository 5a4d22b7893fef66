import type { Json } from '@runlog/execution';

const MASK = '[redacted]';
/** Shorter values would black out ordinary text. */
const SHORTEST = 4;

/** The ways a value shows up in text: as it is, JSON-escaped, URL-encoded, and in base64 at each of its three alignments. */
const formsOf = (value: string): string[] => {
  const bytes = Buffer.from(value, 'utf8');
  const aligned = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const first = Math.ceil((shift * 8) / 6);
    const partial = ((bytes.length + shift) * 8) % 24 === 0 ? 0 : 1;
    return text.slice(first, text.length - partial);
  });
  const encoded = [...aligned, ...aligned.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))].filter((text) => text.length >= 6);
  const url = encodeURIComponent(value.toWellFormed());
  return [value, JSON.stringify(value).slice(1, -1), url, url.replaceAll('%20', '+'), ...encoded];
};

/** Blacks out the secrets that one attempt has read, in everything of it that leaves the runner. */
export class Redaction {
  #forms: string[] = [];

  add(value: string): void {
    if (value.length < SHORTEST) return;
    this.#forms = [...new Set([...this.#forms, ...formsOf(value)])].sort((a, b) => b.length - a.length);
  }

  text(text: string): string {
    let clean = text;
    for (const form of this.#forms) if (clean.includes(form)) clean = clean.replaceAll(form, MASK);
    return clean;
  }

  /** How many characters at the end of the text may be the beginning of a secret. */
  beginningAtEnd(text: string): number {
    let longest = 0;
    for (const form of this.#forms)
      for (let length = Math.min(form.length - 1, text.length); length > longest; length--)
        if (form[length - 1] === text.at(-1) && text.endsWith(form.slice(0, length))) longest = length;
    return longest;
  }

  /** `text`: the value as `JSON.stringify` writes it, when the caller has it anyway. */
  json(value: Json, text: string = JSON.stringify(value)): Json {
    return this.#forms.some((form) => text.includes(form) || text.includes(JSON.stringify(form).slice(1, -1))) ? this.#walk(value) : value;
  }

  #walk(value: Json): Json {
    if (typeof value === 'string') return this.text(value);
    if (typeof value === 'number' || typeof value === 'boolean') return this.#isSecret(String(value)) ? MASK : value;
    if (Array.isArray(value)) return value.map((item) => this.#walk(item));
    if (value === null) return null;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [this.text(name), this.#walk(member)]));
  }

  #isSecret(text: string): boolean {
    return this.#forms.includes(text);
  }
}

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Speech, type SpokenPart } from './speech.js';

/** What readers have: each frame at its place. */
const reader = () => {
  const heard = { text: '' };
  const add = (text: string, from: number) => {
    expect(from).toBe(heard.text.length);
    heard.text += text;
  };
  return { heard, add };
};

const tried = (speech: Speech, pieces: readonly string[], isDone: boolean): SpokenPart => {
  speech.begin();
  for (const piece of pieces) speech.hear(piece);
  return speech.end(isDone);
};

describe('what an agent says', () => {
  it('is what its calls said, in order, with a gap between two', () => {
    const { heard, add } = reader();
    const speech = new Speech(add);
    tried(speech, ['a', 'b'], true);
    tried(speech, [], true);
    tried(speech, ['c'], true);
    expect(speech.text).toBe('ab\n\nc');
    expect(heard.text).toBe(speech.text);
  });

  it('is said once when a call is repeated word by word', () => {
    const { heard, add } = reader();
    const speech = new Speech(add);
    tried(speech, ['one two'], false);
    tried(speech, ['on', 'e t', 'wo three'], true);
    tried(speech, ['x'], true);
    expect(heard.text).toBe('one two three\n\nx');
  });

  it('keeps what was said when a repeated call says something else, or less', () => {
    const { heard, add } = reader();
    const speech = new Speech(add);
    tried(speech, ['one two'], false);
    tried(speech, ['one ', 'more'], true);
    expect(heard.text).toBe('one two\n\none more');
    tried(speech, ['long text'], false);
    tried(speech, ['long'], true);
    expect(heard.text).toBe('one two\n\none more\n\nlong text\n\nlong');
  });

  it('goes on in another attempt from its records and from what had been sent', () => {
    const { heard, add } = reader();
    const first = new Speech(add);
    const records = [tried(first, ['a'], true)];
    first.begin();
    first.hear('bcd');
    const second = new Speech(add);
    for (const record of records) second.replay(record);
    second.known(heard.text);
    records.push(tried(second, ['bc', 'de'], true));
    expect(heard.text).toBe('a\n\nbcde');
    const third = new Speech(add);
    for (const record of records) third.replay(record);
    third.known(heard.text);
    expect(third.text).toBe(heard.text);
  });

  it('sends again what was recorded and never arrived', () => {
    const { heard, add } = reader();
    const lost = new Speech(() => undefined);
    const record = tried(lost, ['ab'], true);
    heard.text = 'a';
    const next = new Speech(add);
    next.replay(record);
    next.known('a');
    tried(next, ['c'], true);
    expect(heard.text).toBe('ab\n\nc');
  });

  it('equals what readers have, whatever is repeated, lost or said anew', () => {
    const word = fc.constantFrom('a', 'b', 'ab', 'aa', '\n\n', '');
    const call = fc.array(fc.record({ pieces: fc.array(word, { maxLength: 4 }), crashes: fc.boolean() }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(call, { maxLength: 4 }), (calls) => {
        const { heard, add } = reader();
        let speech = new Speech(add);
        const records: SpokenPart[] = [];
        for (const tries of calls)
          for (const [index, { pieces, crashes }] of tries.entries()) {
            if (crashes) {
              speech.begin();
              for (const piece of pieces) speech.hear(piece);
              speech = new Speech(add);
              for (const record of records) speech.replay(record);
              speech.known(heard.text);
            }
            records.push(tried(speech, pieces, index === tries.length - 1));
          }
        expect(heard.text).toBe(speech.text);
        expect(records.map(({ said }) => said).join('')).toBe(speech.text);
      }),
    );
  });
});

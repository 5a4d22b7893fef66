import { describe, expect, it } from '@jest/globals';
import { asShown } from './shown-arguments.js';

describe('asShown', () => {
  it('shows arguments as they are', () => {
    expect(asShown('{"to":"Änn 👋","note":"a\\nb"}')).toBe('{"to":"Änn 👋","note":"a\\nb"}');
  });

  it('hides nothing behind characters that show nothing or turn others round', () => {
    expect(asShown('{"file":"a\u202egpj.exe\u200b\u2028"}')).toBe('{"file":"a\\u202egpj.exe\\u200b\\u2028"}');
  });

  it('says how much is not shown', () => {
    expect(asShown('x'.repeat(9_000))).toMatch(/^x{8000} \.\.\. \(9000 characters/);
  });
});

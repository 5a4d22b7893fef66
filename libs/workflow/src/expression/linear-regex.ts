import { RE2JS } from 're2js';
import { BoundedCache } from '../bounded-cache.js';
import type { Budget } from './budget.js';
import { limits } from './limits.js';

type Matcher = ReturnType<RE2JS['matcher']>;

/** The part of RegExp that JSONata uses, on RE2: time is linear in the text, look-arounds and back references don't exist. */
export class LinearRegex {
  lastIndex = 0;
  private readonly pattern: RE2JS;
  private text: string | undefined;
  private matcher: Matcher | undefined;

  constructor(
    regex: RegExp,
    private readonly budget?: Budget,
  ) {
    this.pattern = compileLinear(regex.source, regex.flags);
  }

  /** An engine whose matching counts against `budget`. */
  static within(budget: Budget): new (regex: RegExp) => LinearRegex {
    return class extends LinearRegex {
      constructor(regex: RegExp) {
        super(regex, budget);
      }
    };
  }

  exec(text: string): (RegExpExecArray & { index: number }) | null {
    if (this.matcher === undefined || this.text !== text) {
      this.matcher = this.pattern.matcher(text);
      this.text = text;
    }
    if (this.lastIndex > text.length || !this.find(this.matcher)) {
      this.lastIndex = 0;
      return null;
    }
    const groups: (string | undefined)[] = [];
    for (let group = 0; group <= this.matcher.groupCount(); group++) groups.push(this.matcher.group(group) ?? undefined);
    this.lastIndex = this.matcher.end();
    return Object.assign(groups, { index: this.matcher.start(), input: text }) as unknown as RegExpExecArray;
  }

  private find(matcher: Matcher): boolean {
    const started = performance.now();
    const found = matcher.find(this.lastIndex);
    this.budget?.spendMatching(performance.now() - started);
    return found;
  }

  test(text: string): boolean {
    this.lastIndex = 0;
    return this.exec(text) !== null;
  }
}

const cache = new BoundedCache<string, RE2JS>(500);

/** Throws an error that says what RE2 does not take. */
export const compileLinear = (source: string, flags: string): RE2JS => cache.get(`${flags}/${source}`, () => compileNew(source, flags));

function compileNew(source: string, flags: string): RE2JS {
  if (source.length > limits.pattern) throw new Error(`the regular expression is longer than ${limits.pattern} characters`);
  let bits = 0;
  if (flags.includes('i')) bits |= RE2JS.CASE_INSENSITIVE;
  if (flags.includes('m')) bits |= RE2JS.MULTILINE;
  if (flags.includes('s')) bits |= RE2JS.DOTALL;
  return RE2JS.compile(RE2JS.translateRegExp(source), bits);
}

import type { Json } from '@runlog/execution';
import { compileLinear, type Guardrail, validateJson } from '@runlog/workflow';
import { terminal } from '../kinds/node-kind.js';

const MASK = '[redacted]';

/** The checks of what goes into an agent, or of what comes out of it. */
export class Guardrails {
  readonly #rules: readonly Guardrail[];

  constructor(
    all: readonly Guardrail[],
    private readonly on: Guardrail['on'],
    private readonly log: (message: string) => void,
  ) {
    this.#rules = all.filter((rule) => rule.on === on);
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /** The text with what must not be seen replaced. @throws NodeFailure `guardrail_blocked` */
  text(text: string): string {
    let kept = text;
    for (const rule of this.#rules) {
      if (rule.kind !== 'regex' || rule.pattern === undefined) continue;
      const matcher = compileLinear(rule.pattern, rule.flags ?? '').matcher(kept);
      if (!matcher.find()) continue;
      if (rule.action === 'block') throw this.#blocked(rule, 'holds what it must not');
      this.log(`Guardrail '${nameOf(rule)}' replaced a part of the ${this.on}`);
      kept = replaced(kept, matcher, rule.replacement ?? MASK);
    }
    return kept;
  }

  /** All texts in the value, and the value against schemas. @throws NodeFailure `guardrail_blocked` */
  value(value: Json): Json {
    if (this.isEmpty) return value;
    for (const rule of this.#rules) {
      if (rule.kind !== 'json_schema' || rule.schema === undefined) continue;
      const [problem] = validateJson(rule.schema, value);
      if (problem) throw this.#blocked(rule, `${problem.pointer === '' ? '' : `at '${problem.pointer}': `}${problem.detail}`);
    }
    return this.texts(value);
  }

  /** All texts in the value. @throws NodeFailure `guardrail_blocked` */
  texts(value: Json): Json {
    if (typeof value === 'string') return this.text(value);
    if (Array.isArray(value)) return value.map((item) => this.texts(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, this.texts(member)]));
  }

  #blocked(rule: Guardrail, because: string) {
    const name = nameOf(rule);
    this.log(`Guardrail '${name}' blocked the ${this.on}`);
    return terminal('guardrail_blocked', rule.message ?? `Expected an ${this.on} that guardrail '${name}' lets pass, but it ${because}`);
  }
}

const nameOf = (rule: Guardrail): string => rule.name ?? rule.pattern ?? rule.kind;

type Matcher = ReturnType<ReturnType<typeof compileLinear>['matcher']>;

/** `matcher` stands at its first match. */
const replaced = (text: string, matcher: Matcher, replacement: string): string => {
  let kept = '';
  let from = 0;
  do {
    const [start, end] = [matcher.start(), matcher.end()];
    if (end === start) continue;
    kept += text.slice(from, start) + replacement;
    from = end;
  } while (matcher.find());
  return kept + text.slice(from);
};

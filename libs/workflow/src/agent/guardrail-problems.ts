import type { Json } from '../definition.js';
import { compileLinear } from '../expression/linear-regex.js';
import type { Problem } from '../problem.js';
import { checkSchema } from '../schema/check-schema.js';
import { membersOf } from '../validation/draft.js';

/** What is wrong with guardrails beside their shape. */
export function guardrailProblems(guardrails: Json | undefined, problems: Problem[]): void {
  if (!Array.isArray(guardrails)) return;
  for (const [index, guardrail] of guardrails.entries()) {
    const { kind, action, pattern, flags, schema } = membersOf(guardrail);
    const pointer = `/guardrails/${index}`;
    if (kind === 'regex') {
      if (pattern === undefined) problems.push({ pointer: `${pointer}/pattern`, detail: "Expected a member 'pattern', because the kind is 'regex', but it is missing" });
      else if (typeof pattern === 'string') problems.push(...patternProblems(pattern, typeof flags === 'string' ? flags : '', `${pointer}/pattern`));
    }
    if (kind === 'json_schema') {
      if (schema === undefined) problems.push({ pointer: `${pointer}/schema`, detail: "Expected a member 'schema', because the kind is 'json_schema', but it is missing" });
      else problems.push(...checkSchema(schema, `${pointer}/schema`));
      if (action === 'redact')
        problems.push({ pointer: `${pointer}/action`, detail: "Expected 'block', because only what a pattern finds can be redacted, but got 'redact'", suggestion: 'block' });
    }
  }
}

function patternProblems(pattern: string, flags: string, pointer: string): Problem[] {
  try {
    compileLinear(pattern, flags);
    return [];
  } catch (error) {
    return [{ pointer, detail: `Expected a regular expression (RE2), but ${(error as Error).message}` }];
  }
}

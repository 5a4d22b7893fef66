import type { Json } from '../definition.js';
import type { Problem } from '../problem.js';
import { checkSchema } from '../schema/check-schema.js';
import { trustedCheck } from '../schema/compiled-schema.js';
import { problemsOf } from '../schema/schema-problems.js';
import { membersOf } from '../validation/draft.js';
import { type Findings, readTemplates } from '../validation/expression-problems.js';
import { hostileParts } from '../validation/hostile.js';
import { withKeySuggestion } from '../validation/key-suggestion.js';
import { agentSchema } from './agent-schema.js';
import type { AgentDefinition } from './definition.js';
import { guardrailProblems } from './guardrail-problems.js';
import { modelProblems } from './model-problems.js';
import { toolProblems } from './tool-problems.js';

const MAX_PROBLEMS = 1000;
const shapeCheck = trustedCheck(agentSchema);

/** Everything that is wrong with an agent's definition, at once; or the definition with its defaults filled in (empty lists and limits). Never throws. */
export function validateAgent(body: unknown): { readonly definition: AgentDefinition } | { readonly problems: readonly Problem[] } {
  const hostile = hostileParts(body);
  if (hostile.length > 0) return { problems: hostile };
  const members = membersOf(body as Json);
  const findings: Findings = { problems: problemsOf(shapeCheck(body)).map(withKeySuggestion), uses: [] };
  const { problems } = findings;
  for (const name of ['model', 'fallback'] as const) problems.push(...modelProblems(membersOf(members[name]), `/${name}`));
  for (const name of ['system_prompt', 'prompt_template'] as const) if (typeof members[name] === 'string') readTemplates(members[name], `/${name}`, findings);
  toolProblems(members.tools, findings);
  guardrailProblems(members.guardrails, problems);
  for (const name of ['input_schema', 'output_schema'] as const) {
    const schema = members[name];
    if (schema !== undefined && schema !== null) problems.push(...checkSchema(schema, `/${name}`));
  }
  for (const { pointer, node } of findings.uses)
    problems.push({ pointer, detail: `Expected only 'input' and 'execution', because an agent sees no nodes, but it reads '${node}'` });
  return problems.length > 0 ? { problems: problems.slice(0, MAX_PROBLEMS) } : { definition: withDefaults(body as AgentDefinition) };
}

const withDefaults = (body: AgentDefinition): AgentDefinition => ({
  ...body,
  tools: ((body.tools as AgentDefinition['tools'] | undefined) ?? []).map((tool) => ({ ...tool, config: (tool.config as typeof tool.config | undefined) ?? {} })),
  guardrails: (body.guardrails as AgentDefinition['guardrails'] | undefined) ?? [],
  limits: (body.limits as AgentDefinition['limits'] | undefined) ?? {},
});

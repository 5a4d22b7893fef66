import type { EdgeDefinition, Json, NodeDefinition, WorkflowDefinition } from './definition.js';
import { kinds } from './kinds/registry.js';
import { nearest } from './nearest.js';
import type { Problem } from './problem.js';
import { checkSchema } from './schema/check-schema.js';
import { type Check, trustedCheck } from './schema/compiled-schema.js';
import { problemsOf } from './schema/schema-problems.js';
import { validateJson } from './schema/validate-json.js';
import { ancestryProblems } from './validation/ancestry.js';
import { definitionSchema } from './validation/definition-schema.js';
import { type Draft, type DraftNode, draftOf, membersOf } from './validation/draft.js';
import { type Findings, readExpression, readTemplates, type Use } from './validation/expression-problems.js';
import { graphProblems } from './validation/graph-problems.js';
import { hostileParts } from './validation/hostile.js';
import { withKeySuggestion } from './validation/key-suggestion.js';

const MAX_PROBLEMS = 1000;
const shapeCheck = trustedCheck(definitionSchema);
const configChecks: ReadonlyMap<string, Check> = new Map([...kinds.values()].map((kind) => [kind.type, trustedCheck(kind.configSchema)]));

/** Everything that is wrong with a definition, at once; or the definition with its defaults filled in (`name` and `config` of a node, empty lists). Never throws. */
export function validateDefinition(body: unknown): { readonly definition: WorkflowDefinition } | { readonly problems: readonly Problem[] } {
  const hostile = hostileParts(body);
  if (hostile.length > 0) return { problems: hostile };
  const draft = draftOf(body as Json);
  const findings: Findings = { problems: [], uses: [] };
  const usesBy = new Map<string, readonly Use[]>();
  const problems: Problem[] = problemsOf(shapeCheck(body)).map(withKeySuggestion);
  problems.push(...schemaProblem(draft.body.input_schema, '/input_schema'), ...graphProblems(draft));
  for (const node of [...draft.nodes.values(), ...draft.doubles]) {
    const own: Findings = { problems: [], uses: [] };
    configProblems(node, own);
    problems.push(...own.problems, ...effectProblems(node, draft));
    usesBy.set(node.id, own.uses);
  }
  usesBy.set('', wholeProblems(draft, findings));
  problems.push(...findings.problems, ...ancestryProblems(draft, usesBy));
  return problems.length > 0 ? { problems: problems.slice(0, MAX_PROBLEMS) } : { definition: withDefaults(body as unknown as WorkflowDefinition) };
}

/** The config of a node by its kind: its schema, its own rules, its expressions and its schemas. */
function configProblems({ index, type, kind, config }: DraftNode, findings: Findings): void {
  const { problems } = findings;
  if (kind === undefined) {
    if (typeof type !== 'string' || type === '') return;
    const suggestion = nearest(type, kinds.keys());
    const detail = `Expected a type of node (${[...kinds.keys()].join(', ')}), but got '${type.slice(0, 80)}'`;
    problems.push({ pointer: `/nodes/${index}/type`, detail, ...(suggestion ? { suggestion } : {}) });
    return;
  }
  const pointer = `/nodes/${index}/config`;
  const shape = problemsOf(configChecks.get(kind.type)?.(config) ?? []);
  problems.push(...(shape.length > 0 ? shape : (kind.check?.(config) ?? [])).map((problem) => ({ ...problem, pointer: pointer + problem.pointer })));
  for (const member of kind.expressions) if (typeof config[member] === 'string' && config[member] !== '') readExpression(config[member], `${pointer}/${member}`, 0, findings);
  for (const member of kind.templates) {
    const value = config[member];
    if (value === undefined) continue;
    if (typeof value === 'string' && !value.includes('{{') && kind.eithers?.includes(member)) readExpression(value, `${pointer}/${member}`, 0, findings);
    else readTemplates(value, `${pointer}/${member}`, findings);
  }
  for (const member of kind.schemas) problems.push(...schemaProblem(config[member], `${pointer}/${member}`));
  const expiry = membersOf(config.on_expiry);
  if (problems.length === 0 && config.schema !== undefined && expiry.answer !== undefined)
    problems.push(...validateJson(config.schema, expiry.answer).map((problem) => ({ ...problem, pointer: `${pointer}/on_expiry/answer${problem.pointer}` })));
}

/** An agent's calls declare their effects one by one. */
function effectProblems({ index, kind }: DraftNode, { body }: Draft): Problem[] {
  if (kind?.type !== 'agent') return [];
  const node = membersOf((body.nodes as readonly Json[])[index]);
  return ['effect', 'on_unknown']
    .filter((name) => node[name] !== undefined)
    .map((name) => ({ pointer: `/nodes/${index}/${name}`, detail: `Expected no '${name}' at an agent, whose tools say it each for itself (on_unknown)` }));
}

/** Output and settings: what belongs to the workflow as a whole. Gives the nodes that the output reads. */
function wholeProblems({ body }: Draft, findings: Findings): Use[] {
  if (typeof body.output === 'string' && body.output !== '') readExpression(body.output, '/output', 0, findings);
  const uses = findings.uses.splice(0);
  const settings = membersOf(body.settings);
  if (settings.concurrency_key !== undefined) readTemplates(settings.concurrency_key, '/settings/concurrency_key', findings);
  for (const { pointer, node } of findings.uses)
    findings.problems.push({ pointer, detail: `Expected only 'input' and 'execution', because no node has run yet, but it reads '${node}'` });
  findings.problems.push(...schemaProblem(settings.output_schema, '/settings/output_schema'));
  return uses;
}

const schemaProblem = (schema: Json | undefined, pointer: string): Problem[] => (schema === undefined || schema === null ? [] : checkSchema(schema, pointer));

function withDefaults(body: WorkflowDefinition): WorkflowDefinition {
  const nodes = ((body.nodes ?? []) as readonly (Partial<NodeDefinition> & { id: string; type: string })[]).map((node) => ({
    ...node,
    name: node.name ?? node.id,
    config: node.type === 'agent' ? { input: '{{ input }}', ...node.config } : (node.config ?? {}),
  }));
  return { ...body, nodes, edges: (body.edges ?? []) as readonly EdgeDefinition[] };
}

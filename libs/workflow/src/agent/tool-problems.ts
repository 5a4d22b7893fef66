import type { Json } from '../definition.js';
import { enoughApprovers } from '../kinds/approval.js';
import { nearest } from '../nearest.js';
import type { Problem } from '../problem.js';
import { checkSchema } from '../schema/check-schema.js';
import { type Check, trustedCheck } from '../schema/compiled-schema.js';
import { problemsOf } from '../schema/schema-problems.js';
import { membersOf } from '../validation/draft.js';
import { type Findings, readTemplates } from '../validation/expression-problems.js';
import { approvalSchema } from './agent-schema.js';
import { toolKinds } from './tool-kinds.js';

type Members = { readonly [member: string]: Json };

const configChecks: ReadonlyMap<string, Check> = new Map([...toolKinds].map(([kind, { configSchema }]) => [kind, trustedCheck(configSchema)]));

const approvalCheck = trustedCheck(approvalSchema);

/** What is wrong with the tools of an agent beside their shape: names, kinds, configs, schemas, and who may approve. */
export function toolProblems(tools: Json | undefined, findings: Findings): void {
  if (!Array.isArray(tools)) return;
  const { problems } = findings;
  const first = new Map<Json, number>();
  for (const [index, tool] of tools.entries()) {
    const members = membersOf(tool);
    const pointer = `/tools/${index}`;
    const { name } = members;
    if (typeof name === 'string') {
      const before = first.get(name);
      if (before === undefined) first.set(name, index);
      else problems.push({ pointer: `${pointer}/name`, detail: `Expected each name once, but tool ${before} is '${name.slice(0, 64)}' already` });
    }
    if (approvalCheck(members.approval ?? null).length === 0) problems.push(...prefixed(enoughApprovers(membersOf(members.approval)), `${pointer}/approval`));
    problems.push(...schemaProblems(members, pointer));
    configProblems(members, pointer, findings);
  }
}

/** Arguments are an object by both providers' formats. */
function schemaProblems({ kind, input_schema: schema }: Members, pointer: string): Problem[] {
  if (schema === undefined) return [];
  const at = `${pointer}/input_schema`;
  if (kind === 'mcp') return [{ pointer: at, detail: "Expected no 'input_schema', because the server describes its tools itself" }];
  const problems = checkSchema(schema, at);
  if (problems.length > 0 || membersOf(schema).type === 'object') return problems;
  return [{ pointer: `${at}/type`, detail: 'Expected the schema of an object ("type": "object"), because a tool\'s arguments are one', suggestion: 'object' }];
}

function configProblems({ kind: given, config: own }: Members, pointer: string, findings: Findings): void {
  const { problems } = findings;
  const kind = typeof given === 'string' ? toolKinds.get(given) : undefined;
  if (kind === undefined) {
    if (typeof given !== 'string') return;
    const suggestion = nearest(given, toolKinds.keys());
    const detail = `Expected a kind of tool (${[...toolKinds.keys()].join(', ')}), but got '${given.slice(0, 80)}'`;
    problems.push({ pointer: `${pointer}/kind`, detail, ...(suggestion ? { suggestion } : {}) });
    return;
  }
  const config = membersOf(own);
  const at = `${pointer}/config`;
  const shape = problemsOf(configChecks.get(given as string)?.(config) ?? []);
  problems.push(...prefixed(shape.length > 0 ? shape : (kind.check?.(config) ?? []), at));
  for (const member of kind.templates) if (config[member] !== undefined) readTemplates(config[member], `${at}/${member}`, findings);
  for (const member of kind.schemas) if (config[member] !== undefined && config[member] !== null) problems.push(...checkSchema(config[member], `${at}/${member}`));
}

const prefixed = (problems: readonly Problem[], prefix: string): Problem[] => problems.map((problem) => ({ ...problem, pointer: prefix + problem.pointer }));

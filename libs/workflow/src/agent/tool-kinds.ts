import type { Json } from '../definition.js';
import { gateMembers } from '../kinds/approval.js';
import { code } from '../kinds/code.js';
import { http } from '../kinds/http.js';
import type { Config } from '../kinds/kind.js';
import { question } from '../kinds/question.js';
import type { Problem } from '../problem.js';
import { urlProblem } from '../url-problem.js';

/** What an agent's definition may say about one kind of tool. How it runs is in `apps/runner/src/agent/tools`. */
interface ToolKind {
  /** JSON Schema of `config`. */
  readonly configSchema: { readonly [keyword: string]: Json };
  /** Members of `config` whose strings may hold `{{ }}` over `input` (the arguments) and `execution`. */
  readonly templates: readonly string[];
  /** Members of `config` that are JSON Schemas. */
  readonly schemas: readonly string[];
  /** Rules that the schema can't say; pointers are into `config`. */
  check?(config: Config): readonly Problem[];
}

/**
 * A server that speaks the Model Context Protocol: one that is called (`url`), or one that runners start themselves: named by `server`, for what it
 * runs is the operator's to say (`RUNLOG_MCP_SERVERS`), never a definition's.
 */
const mcp: ToolKind = {
  configSchema: {
    type: 'object',
    properties: {
      server: { type: 'string', pattern: '^[A-Za-z0-9_.-]{1,64}$' },
      url: { type: 'string', minLength: 1, maxLength: 8192 },
      headers: {
        type: 'object',
        maxProperties: 100,
        propertyNames: { pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" },
        additionalProperties: { type: 'string', maxLength: 65_536 },
      },
      auth: (http.configSchema.properties as { auth: Json }).auth,
      tools: { type: 'array', minItems: 1, maxItems: 1000, items: { type: 'string', minLength: 1, maxLength: 256 } },
    },
    additionalProperties: false,
  },
  templates: [],
  schemas: [],
  check: ({ server, url, ...rest }) => {
    if ((server === undefined) === (url === undefined))
      return [{ pointer: '', detail: "Expected either 'server' (one that the operator of this installation has named) or 'url' (one that is called)" }];
    const problems: Problem[] = ['headers', 'auth'].flatMap((name) =>
      rest[name] === undefined || url !== undefined ? [] : [{ pointer: `/${name}`, detail: `Expected no '${name}' beside 'server', for which it means nothing` }],
    );
    const detail = typeof url === 'string' ? urlProblem(url, 'auth') : undefined;
    if (detail !== undefined) problems.push({ pointer: '/url', detail });
    return problems;
  },
};

/** Asks people; without a prompt of its own the argument `question` is what they are asked. */
const askHuman: ToolKind = {
  configSchema: {
    type: 'object',
    properties: { ...gateMembers, on_expiry: (question.configSchema.properties as { on_expiry: Json }).on_expiry as Json },
    additionalProperties: false,
  },
  templates: question.templates,
  schemas: question.schemas,
  ...(question.check ? { check: question.check } : {}),
};

/** Every kind of tool there is. `http` and `code` take what the nodes of these kinds take. */
export const toolKinds: ReadonlyMap<string, ToolKind> = new Map<string, ToolKind>([
  ['http', http],
  ['code', code],
  ['mcp', mcp],
  ['ask_human', askHuman],
]);

import type { Json } from '@runlog/execution';
import type { ToolDefinition } from '@runlog/workflow';
import { terminal } from '../../kinds/node-kind.js';
import { askHuman } from './ask-human.js';
import { code } from './code.js';
import { http } from './http.js';
import type { OpeningContext, Tool } from './tool.js';
import type { OpenedTool, ToolKind } from './tool-kind.js';

/** What providers take. */
const MAX_TOOLS = 128;

/** Every kind of tool: one line each. */
const kinds: { readonly [kind in ToolDefinition['kind']]: () => Promise<ToolKind> } = {
  http: async () => http,
  code: async () => code,
  ask_human: async () => askHuman,
  // Most runners never need it.
  mcp: async () => (await import('./mcp.js')).mcp,
};

/**
 * Opens the tools of an agent's definition; one of kind `mcp` gives as many as its server has.
 * @throws NodeFailure when one can't be opened
 */
export const openTools = async (definitions: readonly ToolDefinition[], context: OpeningContext): Promise<readonly Tool[]> => {
  const opened = await Promise.all(definitions.map((definition) => open(definition, context)));
  const tools = opened.flat();
  if (tools.length > MAX_TOOLS)
    throw terminal('tools_too_many', `Expected at most ${MAX_TOOLS} tools, but there are ${tools.length}; 'tools' of an MCP server's config says which of its own are wanted`);
  const names = new Set<string>();
  for (const { name } of tools) {
    if (names.has(name)) throw terminal('tool_ambiguous', `Expected each tool's name once, but '${name}' is there twice; rename one of the agent's tools`);
    names.add(name);
  }
  return tools;
};

const open = async (definition: ToolDefinition, context: OpeningContext): Promise<readonly Tool[]> => {
  const kind = await kinds[definition.kind]?.();
  if (!kind) throw terminal('tool_unknown', `Expected a kind of tool that this runner knows (${Object.keys(kinds).join(', ')}), but got '${definition.kind}'`);
  const timeoutMs = definition.timeout_ms ?? kind.defaultTimeoutMs;
  return (await kind.open(definition, context)).map((one) => toolOf(definition, one, timeoutMs));
};

const toolOf = (definition: ToolDefinition, opened: OpenedTool, timeoutMs: number): Tool => {
  const name = opened.name ?? definition.name;
  return {
    name,
    description: opened.name === undefined ? (definition.description ?? opened.description ?? '') : (opened.description ?? ''),
    inputSchema: definition.input_schema ?? opened.inputSchema ?? { type: 'object' },
    needsApproval: approvalOf(definition.approval, name),
    timeoutMs,
    onUnknown: definition.on_unknown ?? 'repeat',
    call: opened.call,
    ...(opened.ask ? { ask: opened.ask } : {}),
  };
};

const approvalOf = (approval: ToolDefinition['approval'], name: string): Tool['needsApproval'] => {
  if (!approval) return null;
  return { prompt: `Run the tool '${name}'?`, ...(approval === true ? {} : (approval as { [member: string]: Json })) };
};

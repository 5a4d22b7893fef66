import { createHash } from 'node:crypto';
import type { Tool as ServerTool } from '@modelcontextprotocol/sdk/types.js';
import type { Json } from '@runlog/execution';
import { requestHeaders, urlOf } from '../../http/request.js';
import { NodeFailure } from '../../kinds/node-kind.js';
import type { McpTarget } from './mcp/mcp-servers.js';
import type { McpSession } from './mcp/mcp-session.js';
import { resultOf } from './mcp/result.js';
import { usableSchema } from './mcp/usable-schema.js';
import type { OpeningContext } from './tool.js';
import type { OpenedTool, ToolKind } from './tool-kind.js';

const MAX_NAME_CHARS = 64;
const MAX_DESCRIPTION_CHARS = 4_096;
const DEFAULT_TIMEOUT_MS = 60_000;

/** Tools of an MCP server, each as `<name of the definition>_<its own>`. */
export const mcp: ToolKind = {
  defaultTimeoutMs: DEFAULT_TIMEOUT_MS,
  async open({ name, description, config, timeout_ms: timeoutMs = DEFAULT_TIMEOUT_MS }, context) {
    const session = await context.mcp.session(await targetOf(config, context));
    const tools = wanted(await session.tools(context.signal), config.tools, session.name);
    return tools.map((tool) => functionOf(tool, `${name}_`, description, session, timeoutMs));
  },
};

const targetOf = async (config: { readonly [member: string]: Json }, context: OpeningContext): Promise<McpTarget> =>
  typeof config.server === 'string' ? { server: config.server } : { url: urlOf(config).href, headers: await requestHeaders(config, context) };

const wanted = (tools: readonly ServerTool[], names: Json | undefined, server: string): readonly ServerTool[] => {
  if (!Array.isArray(names)) return tools;
  const missing = names.find((name) => !tools.some((tool) => tool.name === name));
  if (missing === undefined) return tools.filter((tool) => names.includes(tool.name));
  const has =
    tools
      .map((tool) => tool.name)
      .join(', ')
      .slice(0, 1_000) || 'none';
  throw new NodeFailure({ code: 'mcp_tool_missing', message: `Expected MCP server '${server}' to have a tool '${String(missing)}', but it has ${has}`, retryable: true });
};

const functionOf = (tool: ServerTool, prefix: string, description: string | undefined, session: McpSession, timeoutMs: number): OpenedTool => ({
  name: named(prefix + tool.name),
  description: [description, tool.description ?? tool.title].filter(Boolean).join('\n').slice(0, MAX_DESCRIPTION_CHARS),
  inputSchema: usableSchema(tool.inputSchema as Json),
  call: async (args, { idempotencyKey, signal }) => resultOf(await session.call({ name: tool.name, args, idempotencyKey, timeoutMs, signal })),
});

/** As providers take it; what is changed or cut is told apart by a hash. */
const named = (name: string): string => {
  const plain = name.replace(/[^A-Za-z0-9_-]/g, '_');
  if (plain === name && name.length <= MAX_NAME_CHARS) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${plain.slice(0, MAX_NAME_CHARS - 9)}_${hash}`;
};

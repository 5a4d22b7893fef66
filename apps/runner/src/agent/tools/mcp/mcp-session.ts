import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { type CallToolResult, CallToolResultSchema, ListToolsResultSchema, type Tool as ServerTool } from '@modelcontextprotocol/sdk/types.js';
import type { Json } from '@runlog/execution';
import type { Connection } from './connection.js';
import { failureOf, hasLostItsSession, isTimeout } from './mcp-failed.js';

const MAX_PAGES = 100;
const LIST_WITHIN_MS = 30_000;
/** Of an answer's `_meta`: how a server may tell a repeat. */
const KEY = 'runlog.dev/idempotency-key';

export interface McpCall {
  readonly name: string;
  readonly args: Json;
  readonly idempotencyKey: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What an agent says to one MCP server. Asks by itself instead of by the SDK's methods, which would compile the server's schemas into code. */
export class McpSession {
  constructor(
    /** As people know it. */
    readonly name: string,
    /** The one there is, or a new one. */
    private readonly connection: () => Connection,
  ) {}

  /** All its tools. @throws NodeFailure `mcp_...` */
  async tools(signal: AbortSignal): Promise<readonly ServerTool[]> {
    return this.#ask(signal, async (client) => {
      const tools: ServerTool[] = [];
      let cursor: string | undefined;
      for (let page = 0; page < MAX_PAGES; page++) {
        const asked = { method: 'tools/list', params: cursor === undefined ? {} : { cursor } };
        const answer = await client.request(asked, ListToolsResultSchema, { signal, timeout: LIST_WITHIN_MS });
        tools.push(...answer.tools);
        cursor = answer.nextCursor;
        if (cursor === undefined) break;
      }
      return tools;
    });
  }

  /** @throws NodeFailure `mcp_...` when there is no result; a server that has gone is started or connected to anew by the next call */
  call({ name, args, idempotencyKey, timeoutMs, signal }: McpCall): Promise<CallToolResult> {
    const params = { name, arguments: args as Record<string, unknown>, _meta: { [KEY]: idempotencyKey } };
    return this.#ask(signal, (client) => client.request({ method: 'tools/call', params }, CallToolResultSchema, { signal, timeout: timeoutMs, maxTotalTimeout: timeoutMs }));
  }

  async #ask<Answer>(signal: AbortSignal, work: (client: Client) => Promise<Answer>): Promise<Answer> {
    try {
      return await this.#once(signal, work);
    } catch (error) {
      signal.throwIfAborted();
      if (!hasLostItsSession(error)) throw failureOf(error, this.name);
    }
    // It knows nothing of the session, so it has done nothing either.
    return this.#once(signal, work).catch((error: unknown) => {
      signal.throwIfAborted();
      throw failureOf(error, this.name);
    });
  }

  #once<Answer>(signal: AbortSignal, work: (client: Client) => Promise<Answer>): Promise<Answer> {
    const ended = Promise.withResolvers<never>();
    const end = (): void => ended.reject(signal.reason);
    signal.throwIfAborted();
    signal.addEventListener('abort', end, { once: true });
    const connection = this.connection();
    const used = connection.use(async (client) => {
      try {
        return await work(client);
      } catch (error) {
        if (isTimeout(error)) void connection.dropUnlessAlive(client);
        if (hasLostItsSession(error)) await connection.drop();
        throw error;
      }
    });
    return Promise.race([used, ended.promise]).finally(() => signal.removeEventListener('abort', end));
  }
}

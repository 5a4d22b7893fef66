import { createHash } from 'node:crypto';
import type { Implementation } from '@modelcontextprotocol/sdk/types.js';
import type { Logger } from '@runlog/platform';
import type { Egress } from '../../../egress/egress.js';
import { allowedServer } from './allow-list.js';
import { type Connected, Connection } from './connection.js';
import { type HttpServer, httpTransport, sayBye } from './http-transport.js';
import type { McpSession } from './mcp-session.js';

/** A server by the name that the operator has given it, or by its URL. */
export type McpTarget = { readonly server: string } | HttpServer;

/** The MCP servers of one workspace: what one of them keeps in mind, no other workspace gets to see. */
export interface McpAccess {
  session(target: McpTarget): Promise<McpSession>;
}

const self: Implementation = { name: 'runlog', version: '1' };
const CONNECT_WITHIN_MS = 30_000;

/** Every MCP server that this runner is connected to: one connection for each workspace and target, whatever the number of executions. */
export class McpServers {
  readonly #connections = new Map<string, Connection>();
  #isClosed = false;

  constructor(
    private readonly parts: {
      /** `RUNLOG_MCP_SERVERS`; absent: no server may be started. */
      readonly allowList?: string | undefined;
      readonly egress: Egress;
      readonly logger: Logger;
      readonly idleMs?: number;
    },
  ) {}

  /** How many are connected, or about to be. */
  get size(): number {
    return this.#connections.size;
  }

  of(workspaceId: string): McpAccess {
    return {
      session: async (target) => {
        // Most runners never need it.
        const { McpSession } = await import('./mcp-session.js');
        return new McpSession('server' in target ? target.server : new URL(target.url).host, () => this.#connection(workspaceId, target));
      },
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#connections.values()].map((one) => one.drop()));
  }

  #connection(workspaceId: string, target: McpTarget): Connection {
    const key = createHash('sha256')
      .update(JSON.stringify([workspaceId, target]))
      .digest('base64');
    const there = this.#connections.get(key);
    if (there) return there;
    const forget = (self: Connection): void => void (this.#connections.get(key) === self && this.#connections.delete(key));
    const connection = new Connection((onGone) => this.#connect(target, onGone), forget, this.parts.idleMs);
    this.#connections.set(key, connection);
    return connection;
  }

  async #connect(target: McpTarget, onGone: () => void): Promise<Connected> {
    if (this.#isClosed) throw new Error('The runner is stopping');
    const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
    const client = new Client(self);
    client.onclose = onGone;
    const { transport, bye } = 'server' in target ? await this.#started(target.server) : await this.#called(target);
    try {
      await client.connect(transport, { timeout: CONNECT_WITHIN_MS });
    } catch (error) {
      // Why it could not connect says more.
      await client.close().catch(() => undefined);
      throw error;
    }
    return {
      client,
      close: async () => {
        await bye();
        await client.close();
      },
    };
  }

  async #started(name: string) {
    const { allowList, logger } = this.parts;
    const { StdioTransport } = await import('./stdio-transport.js');
    const transport = new StdioTransport(await allowedServer(allowList, name), ({ code, signal, said }) =>
      logger[code === 0 ? 'debug' : 'warn']({ server: name, code, signal, said }, 'an MCP server has ended'),
    );
    return { transport, bye: async () => undefined };
  }

  async #called(target: HttpServer) {
    const transport = await httpTransport(target, this.parts.egress);
    return { transport, bye: () => sayBye(transport) };
  }
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json } from '@runlog/execution';
import type { McpAccess } from '../agent/tools/mcp/mcp-servers.js';
import type { Egress } from '../egress/egress.js';
import type { LogLevel, NodeContext } from '../kinds/node-kind.js';
import { Redaction } from '../redaction.js';
import type { Sandbox } from '../sandbox/sandbox.js';

/** What a node is given in a test; its log lines are kept in `lines`. */
export const contextFor = (
  config: { [member: string]: Json },
  capabilities: {
    egress?: Egress;
    sandbox?: Sandbox;
    mcp?: McpAccess;
    secrets?: Record<string, string>;
    signal?: AbortSignal;
    timeoutMs?: number;
    scope?: Partial<NodeContext['scope']>;
    effect?: NodeContext['effect'];
  },
): NodeContext & { lines: { level: LogLevel; message: string }[]; redaction: Redaction } => {
  const lines: { level: LogLevel; message: string }[] = [];
  const redaction = new Redaction();
  return {
    config,
    scope: { input: null, nodes: {}, execution: {}, ...capabilities.scope },
    signal: capabilities.signal ?? new AbortController().signal,
    idempotencyKey: 'execution:node',
    attempt: 1,
    effect: capabilities.effect ?? null,
    begins: () => undefined,
    timeoutMs: capabilities.timeoutMs ?? null,
    log: (level, message) => void lines.push({ level, message }),
    conceal: (value) => redaction.add(value),
    secrets: async (name) => capabilities.secrets?.[name] ?? '',
    egress: capabilities.egress as Egress,
    sandbox: capabilities.sandbox as Sandbox,
    mcp: capabilities.mcp as McpAccess,
    lines,
    redaction,
  };
};

export interface Hit {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** The client's. */
  readonly port: number | undefined;
}

/** A server that records each request before it answers. */
export class Sink {
  readonly hits: Hit[] = [];

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async open(answer: (hit: Hit, response: ServerResponse) => void = (_hit, response) => void response.end('{}'), host = '::'): Promise<Sink> {
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      const hit = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body, port: request.socket.remotePort };
      sink.hits.push(hit);
      answer(hit, response);
    });
    await new Promise<void>((listening) => server.listen(0, host, listening));
    const sink = new Sink(server, (server.address() as AddressInfo).port);
    return sink;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }
}

/** The failure that a promise ends in. */
export const failureOf = async (work: Promise<unknown>): Promise<Error & { code?: string; retryable?: boolean; retryAfterMs?: number; effect?: string }> =>
  work.then(
    (value) => {
      throw new Error(`Expected a failure, but got ${JSON.stringify(value)}`);
    },
    (error: Error) => error,
  );

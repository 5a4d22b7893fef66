import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import { EgressDenied } from '../../../egress/policy.js';
import { NodeFailure, terminal } from '../../../kinds/node-kind.js';

const statusOf = (error: unknown): number | undefined => {
  const code = (error as { code?: unknown } | null)?.code;
  return error instanceof Error && error.name !== 'McpError' && typeof code === 'number' && code >= 300 && code < 600 ? code : undefined;
};

export const isTimeout = (error: unknown): boolean => error instanceof McpError && error.code === ErrorCode.RequestTimeout;

/** A server over HTTP that was started anew: it answers 404 to a session that it does not know. */
export const hasLostItsSession = (error: unknown): boolean => statusOf(error) === 404;

const chain = (error: unknown): Error[] => (error instanceof Error ? [error, ...chain(error.cause)] : []);

/** What went wrong with a server, as the model and people are told. */
export const failureOf = (error: unknown, server: string): NodeFailure => {
  if (error instanceof NodeFailure) return error;
  const denied = chain(error).find((one) => one instanceof EgressDenied);
  if (denied) return terminal('mcp_forbidden', denied.message);
  const status = statusOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const failure = (code: string, text: string, retryable: boolean): NodeFailure => new NodeFailure({ code, message: text, retryable }, { cause: error });
  if (status === 401 || status === 403)
    return failure('mcp_unauthorized', `Expected MCP server '${server}' to let Runlog in, but it answered ${status}; check the secret of its auth`, false);
  if (isTimeout(error)) return failure('mcp_timeout', `Expected MCP server '${server}' to answer in time, but it did not`, true);
  if (error instanceof McpError && error.code === ErrorCode.ConnectionClosed)
    return failure('mcp_gone', `Expected MCP server '${server}' to answer, but it ended before it did; the next call starts it anew`, true);
  if (error instanceof McpError) return failure('mcp_refused', `Expected MCP server '${server}' to do it, but it refused: ${message}`, false);
  return failure('mcp_unreachable', `Expected to reach MCP server '${server}', but ${message}`, true);
};

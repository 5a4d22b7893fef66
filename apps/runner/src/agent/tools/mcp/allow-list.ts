import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { NodeFailure, terminal } from '../../../kinds/node-kind.js';

/** Zod is loaded with the first server that is asked for. */
const rules = async () => {
  const { z } = await import('zod');
  return z.record(
    z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, 'expected a name of letters, digits, dots, dashes and underscores'),
    z.strictObject({ command: z.string().min(1), args: z.array(z.string()).default([]), env: z.record(z.string(), z.string()).default({}) }),
  );
};

/** A program that the operator lets runners start. */
export interface AllowedServer {
  readonly command: string;
  readonly args: readonly string[];
  /** All that it gets of an environment, beside `PATH`. */
  readonly env: Readonly<Record<string, string>>;
  /** The folder of the file that allows it, so that relative paths in it mean what they say. */
  readonly folder: string;
}

/** The server of that name in the operator's file (`RUNLOG_MCP_SERVERS`), read anew each time. @throws NodeFailure `mcp_not_allowed`, `mcp_servers_invalid` */
export const allowedServer = async (path: string | undefined, name: string): Promise<AllowedServer> => {
  if (path === undefined) throw terminal('mcp_not_allowed', `Expected MCP server '${name}' among those that the operator allows, but RUNLOG_MCP_SERVERS is not set`);
  const all = await read(path);
  const found = Object.hasOwn(all, name) ? all[name] : undefined;
  if (found) return { ...found, folder: dirname(resolve(path)) };
  const known = Object.keys(all).join(', ') || 'none';
  throw terminal('mcp_not_allowed', `Expected MCP server '${name}' among those that the operator allows (RUNLOG_MCP_SERVERS), but it has ${known}`);
};

const read = async (path: string): Promise<Readonly<Record<string, Omit<AllowedServer, 'folder'>>>> => {
  const invalid = (detail: string) =>
    new NodeFailure({ code: 'mcp_servers_invalid', message: `Expected RUNLOG_MCP_SERVERS to name a file of {name: {command, args, env}}, but ${detail}`, retryable: true });
  const content: unknown = await readFile(path, 'utf8')
    .then(JSON.parse)
    .catch((error: Error) => Promise.reject(invalid(error.message)));
  const checked = (await rules()).safeParse(content);
  if (checked.success) return checked.data;
  throw invalid(checked.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
};

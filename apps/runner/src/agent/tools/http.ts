import type { Json } from '@runlog/execution';
import { ExpressionFailed, resolveTemplates, resolveUrl } from '@runlog/workflow';
import { http as node } from '../../kinds/http.js';
import { type NodeContext, terminal } from '../../kinds/node-kind.js';
import type { ToolContext } from './tool.js';
import type { ToolKind } from './tool-kind.js';

/** Methods whose repeat may be another effect: on a connection of their own, with the key that tells a repeat. */
const effective = new Set(['POST', 'PATCH']);
const templates = ['headers', 'query', 'body'] as const;
/** A segment that a URL swallows together with the one before it. */
const dots = /\/(?:\.|%2e){1,2}(?=[/?#\\]|$)/i;

/** Sends one request as a node of this kind does. What the model says goes where the definition's templates put it, and nowhere else. */
export const http: ToolKind = {
  defaultTimeoutMs: 60_000,
  async open({ config }) {
    return [
      {
        async call(args, context) {
          const method = typeof config.method === 'string' ? config.method : 'GET';
          const { output } = await node.run({ ...nodeContext(await filled(config, args, context), context), effect: effective.has(method) ? 'keyed' : null });
          const { status, body } = output as { status: number; body: Json };
          return { output: { status, body }, summary: `${method} ${status}` };
        },
      },
    ];
  },
};

/** @throws NodeFailure of an argument that an expression can't bear */
const filled = (...given: Parameters<typeof resolved>): ReturnType<typeof resolved> =>
  resolved(...given).catch((error: unknown) => {
    throw error instanceof ExpressionFailed ? terminal(error.code, error.message) : error;
  });

const resolved = async (config: NodeContext['config'], args: Json, { scope, idempotencyKey }: ToolContext): Promise<NodeContext['config']> => {
  const seen = { input: args, nodes: {}, execution: scope.execution };
  const seedOf = (member: string) => ({ at: Date.now(), commandId: `${idempotencyKey}/${member}` });
  const all: { [member: string]: Json } = { ...config, url: await urlOf(String(config.url), seen, seedOf('url')) };
  for (const member of templates) if (config[member] !== undefined) all[member] = await resolveTemplates(config[member], seen, seedOf(member));
  return all;
};

const urlOf = async (template: string, seen: Parameters<typeof resolveUrl>[1], seed: Parameters<typeof resolveUrl>[2]): Promise<Json> => {
  const url = await resolveUrl(template, seen, seed);
  if (typeof url === 'string' && dots.test(url) && !dots.test(template))
    throw terminal('http_invalid', "Expected arguments that stay in their place in the URL, but '.' or '..' would leave it");
  return url;
};

const nodeContext = (config: NodeContext['config'], context: ToolContext): NodeContext => ({
  ...context,
  config,
  attempt: 1 + context.repeats,
  effect: null,
  begins: () => undefined,
  timeoutMs: null,
});

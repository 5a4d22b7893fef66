import { parseBounded } from '../plain-json.js';
import { type NodeContext, NodeFailure, type NodeKind, type NodeResult, terminal } from './node-kind.js';

/** Longer than anybody waits, and still within what a timer takes. */
const MAX_LIMIT_MS = 2 ** 30;

/** Runs JavaScript in the sandbox: the body of a function of `input`, `nodes` and `execution` that returns JSON. */
export const code: NodeKind = {
  kind: 'code',
  defaultTimeoutMs: 10_000,
  endsOnTime: true,
  isSealed: true,
  capacity: (sandbox) => sandbox.capacity,

  async run({ config, scope, signal, timeoutMs, log, sandbox }: NodeContext): Promise<NodeResult> {
    if (typeof config.source !== 'string') throw terminal('code_failed', "Expected 'source' to be text, but it is not");
    const { input, nodes, execution } = scope;
    const limitMs = Math.min(timeoutMs ?? code.defaultTimeoutMs, MAX_LIMIT_MS);
    const outcome = await sandbox.run({ source: config.source, scope: JSON.stringify({ input, nodes, execution }), timeoutMs: limitMs, signal, onLine: log });
    if ('code' in outcome)
      throw new NodeFailure({ ...outcome, message: outcome.code === 'code_timeout' ? `The code ran longer than its limit of ${limitMs} ms` : outcome.message });
    try {
      return { output: parseBounded(outcome.output) };
    } catch (error) {
      throw terminal('code_output_invalid', `Expected the code to return JSON that can be kept, but ${(error as Error).message}`);
    }
  },
};

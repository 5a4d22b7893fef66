import { code as node } from '../../kinds/code.js';
import type { ToolKind } from './tool-kind.js';

/** On the first line of the code, so that its lines keep their numbers. */
const PROLOGUE = 'const args = input; ';
const DEFAULT_TIMEOUT_MS = 10_000;

/** Runs JavaScript in the sandbox: the body of a function of `args` (and `execution`) that returns JSON. */
export const code: ToolKind = {
  defaultTimeoutMs: DEFAULT_TIMEOUT_MS,
  async open({ config, timeout_ms }) {
    const source = `${PROLOGUE}{ ${String(config.source)}\n}`;
    return [
      {
        async call(args, context) {
          const { output } = await node.run({
            ...context,
            config: { source },
            scope: { input: args, nodes: {}, execution: context.scope.execution },
            attempt: 1 + context.repeats,
            effect: null,
            begins: () => undefined,
            timeoutMs: timeout_ms ?? DEFAULT_TIMEOUT_MS,
          });
          return { output };
        },
      },
    ];
  },
};

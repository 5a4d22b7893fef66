import { type NodeError, type NodeTask, ranTooLong } from '@runlog/execution';
import { ExpressionFailed, type PinnedAgent } from '@runlog/workflow';
import { NodeFailure } from './kinds/node-kind.js';
import { cleanText } from './plain-json.js';
import type { Redaction } from './redaction.js';

const MAX_MESSAGE_CHARS = 8_192;

/** The node ran longer than its limit. */
export class TimedOut extends NodeFailure {
  constructor(limitMs: number, { config }: Pick<NodeTask, 'config'>) {
    const { agent = null } = config as { agent?: PinnedAgent };
    super({ code: 'timed_out', message: ranTooLong(limitMs, agent), retryable: true });
  }
}

/** The engine asked for the attempt to end. */
export class Stopped extends Error {
  constructor(readonly reason: 'cancelled' | 'timed_out' | 'ended') {
    super(`The node was asked to stop: ${reason}`);
  }
}

/** The attempt is not this runner's (any more): whatever comes of it is nobody's business. */
export class Disowned extends Error {}

/** How far an attempt's effect on the world has come: not begun, begun, or had and only what it gave is missing. */
export type Reach = 'none' | 'begun' | 'had';

/** What a failure leaves of an effect that had come so far. Whatever the node did not say itself leaves it unknown. */
export const effectOf = (thrown: unknown, reach: Reach): NodeError['effect'] => {
  if (reach === 'none') return 'none';
  return reach === 'begun' && thrown instanceof NodeFailure && !(thrown instanceof TimedOut) ? thrown.effect : 'unknown';
};

/** What was thrown, as the engine records it; secrets blacked out. Anything but a NodeFailure is an `internal` that may be tried again. */
export const nodeErrorOf = (thrown: unknown, redaction: Redaction): NodeError => {
  const shown = (message: string): string => cleanText(redaction.text(message)).slice(0, MAX_MESSAGE_CHARS);
  if (thrown instanceof ExpressionFailed) return { code: thrown.code, message: shown(thrown.message), retryable: false };
  if (!(thrown instanceof NodeFailure)) return { code: 'internal', message: shown(thrown instanceof Error ? thrown.message : String(thrown)), retryable: true };
  const { code, message, retryable, retryAfterMs } = thrown;
  return { code, message: shown(message), retryable, ...(retryAfterMs === undefined ? {} : { retry_after_ms: Math.round(retryAfterMs) }) };
};

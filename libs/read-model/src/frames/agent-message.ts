import type { AgentFrame, Frame } from '@runlog/execution';

/** An agent's frame as it is on the topic. */
export type AgentMessage = Extract<Frame, { readonly type: 'agent' }>;

const whole = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const named = ({ id, name }: Record<string, unknown>): boolean => typeof id === 'string' && typeof name === 'string';

const checks: { readonly [Kind in AgentFrame['kind']]: (frame: Record<string, unknown>) => boolean } = {
  thinking: ({ text, from }) => typeof text === 'string' && whole(from),
  content: ({ text, from }) => typeof text === 'string' && whole(from),
  tool_start: named,
  tool_end: (frame) => named(frame) && (frame.summary === undefined || typeof frame.summary === 'string'),
  fence: () => true,
};

/** Whether a frame of type `agent` is one that readers understand: a later release may send others, which they leave out. */
export const isAgentMessage = (message: { readonly type: string }): message is AgentMessage => {
  const { type, node, attempt, version, frame } = message as { readonly [Member in keyof AgentMessage]: unknown };
  if (type !== 'agent' || typeof node !== 'string' || !whole(attempt) || !whole(version) || typeof frame !== 'object' || frame === null) return false;
  const { kind } = frame as { readonly kind: unknown };
  return typeof kind === 'string' && Object.hasOwn(checks, kind) && checks[kind as AgentFrame['kind']](frame as Record<string, unknown>);
};

/** Where a frame of text begins and ends in its node's text of that kind, in UTF-16 units; null of one without text. */
export const spanOf = (frame: AgentFrame): { readonly from: number; readonly to: number } | null =>
  'text' in frame ? { from: frame.from, to: frame.from + frame.text.length } : null;

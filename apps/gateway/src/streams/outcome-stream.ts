import type { ExecutionStatus, ExecutionView } from '@runlog/contract';
import { isTerminalStatus } from '@runlog/read-model';
import { asObject } from '../dialects/agents/agents.js';
import { endOf } from '../executions/event-resource.js';
import { tokenUsage } from '../executions/execution-resource.js';
import type { Tail } from '../tail.js';
import type { SseWriter } from './sse-writer.js';

/** After so long without news the read model is asked again. */
const IDLE_MS = 15_000;

/**
 * What `/stream` shows of an execution: the frames of its agents, then one last frame, `done` or `error`. Resolves after it, or when
 * `until` aborts.
 */
export const streamOutcome = async (
  { tail, look, wordOf }: { tail: Tail; look: (minVersion?: number) => Promise<ExecutionView>; wordOf: (status: ExecutionStatus) => string },
  executionId: string,
  writer: SseWriter,
  until: AbortSignal,
): Promise<void> => {
  let ended: number | undefined;
  let wake = (): void => undefined;
  const unwatch = tail.watch(executionId, (events) => {
    ended ??= events.find(({ type }) => endOf(type) !== null)?.version;
    if (ended !== undefined) wake();
  });
  until.addEventListener('abort', () => wake(), { once: true });
  try {
    while (!until.aborted) {
      const view = await look(ended);
      if (isTerminalStatus(view.status)) return await writer.write(lastFrame(view, wordOf(view.status)));
      if (ended !== undefined || until.aborted) continue;
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        wake = resolve;
        timer = setTimeout(resolve, IDLE_MS);
      });
      clearTimeout(timer);
    }
  } finally {
    unwatch();
  }
};

const lastFrame = (view: ExecutionView, status: string): { event: string; data: string } => {
  if (view.status === 'completed') return { event: 'done', data: JSON.stringify({ output: asObject(view.output), token_usage: tokenUsage(view.token_usage) }) };
  const message = view.error ?? `The execution was ${view.status}${view.status_reason === null ? '' : `: ${view.status_reason}`}`;
  return { event: 'error', data: JSON.stringify({ message, code: view.error_code ?? view.status, status }) };
};

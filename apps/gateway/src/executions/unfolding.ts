import type { ExecutionView } from '@runlog/contract';
import type { DecodedEvent } from '@runlog/event-log';
import { foldView, isTerminalStatus } from '@runlog/read-model';
import type { Workflow } from '@runlog/workflow';
import type { Tail } from '../tail.js';

/** Whether a waiting caller gets its answer: the execution has ended, or a human must answer. */
export const isSettled = ({ status, gates }: ExecutionView): boolean => isTerminalStatus(status) || gates.some(({ decided }) => decided === null);

/** The view of one execution as it grows in the tail, from its first event on: an answer to a create needs no database. Open before the create is sent. */
export class Unfolding {
  view: ExecutionView | undefined;
  private readonly unwatch: () => void;
  private onSettled: (() => void) | undefined;

  constructor(
    tail: Tail,
    executionId: string,
    private readonly workflow: Workflow,
  ) {
    this.unwatch = tail.watch(executionId, (events) => this.fold(events));
  }

  /** Resolves when it has settled, after `timeoutMs`, or when `stopping` aborts. */
  settled(timeoutMs: number, stopping: AbortSignal): Promise<void> {
    if ((this.view && isSettled(this.view)) || stopping.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const over = () => {
        clearTimeout(timer);
        stopping.removeEventListener('abort', over);
        resolve();
      };
      const timer = setTimeout(over, timeoutMs);
      stopping.addEventListener('abort', over);
      this.onSettled = over;
    });
  }

  close(): void {
    this.unwatch();
  }

  private fold(events: readonly DecodedEvent[]): void {
    for (const event of events) if (event.version === (this.view?.version ?? 0) + 1) this.view = foldView(this.view, event, this.workflow);
    if (this.view && isSettled(this.view)) this.onSettled?.();
  }
}

import type { ExecutionView } from '@runlog/contract';
import type { Principal } from '../auth/principal.js';
import { Problem } from '../http/problem.js';
import type { Tail } from '../tail.js';
import type { ExecutionReader } from './execution-reader.js';
import { isSettled } from './unfolding.js';

const BEGUN_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 1000;

interface Wanted {
  readonly who: Principal;
  readonly executionId: string;
  /** With nodes. */
  readonly nodes: boolean;
}

/** Waits for executions that this gateway did not create itself, or did before it looked: watches the tail, reads the read model. */
export class Awaiting {
  constructor(
    private readonly tail: Tail,
    private readonly reader: ExecutionReader,
    /** Aborts when the gateway goes down: whoever waits gets what there is. */
    private readonly stopping: AbortSignal,
  ) {}

  /** As it stands once it has ended or a human must answer, or at the deadline (of `performance.now`). `minVersion` is on the log already. */
  async settled(wanted: Wanted & { readonly minVersion?: number }, deadline: number): Promise<ExecutionView> {
    const { who, executionId, nodes, minVersion } = wanted;
    // What the tail had read before it was watched is on the log: every look but the first goes up to the log's end.
    let first = minVersion !== undefined;
    const found = await this.until(wanted, deadline, async () => {
      const { view } = await this.reader.one(who, executionId, { nodes, ...(first ? { minVersion } : {}) });
      const isEarly = first;
      first = false;
      return { view, enough: isSettled(view), isEarly };
    });
    return found as ExecutionView;
  }

  /** As soon as it is there. Throws a 503 problem when it is not within 30 s; it still may come. */
  async begun(wanted: Wanted): Promise<ExecutionView> {
    const view = await this.until(wanted, performance.now() + BEGUN_WITHIN_MS, async () => {
      const view = await this.find(wanted).catch(notThere);
      return { view, enough: view !== null };
    });
    if (view) return view;
    throw new Problem(
      'unavailable',
      'not_created_yet',
      `Expected execution '${wanted.executionId}' to be created within ${BEGUN_WITHIN_MS / 1000} s, but it is not yet; it still will be`,
      {
        headers: { 'Retry-After': '1' },
      },
    );
  }

  /** null: there is none, or not yet. */
  async find({ who, executionId, nodes }: Wanted): Promise<ExecutionView | null> {
    try {
      return (await this.reader.one(who, executionId, { nodes })).view;
    } catch (error) {
      if (error instanceof Problem && error.kind === 'unknown') return null;
      throw error;
    }
  }

  private async until(
    { executionId }: Wanted,
    deadline: number,
    look: () => Promise<{ view: ExecutionView | null; enough: boolean; isEarly?: boolean }>,
  ): Promise<ExecutionView | null> {
    let changed = (): void => undefined;
    const unwatch = this.tail.watch(executionId, () => changed());
    try {
      for (;;) {
        const moved = new Promise<void>((resolve) => (changed = resolve));
        const { view, enough, isEarly } = await look();
        const left = deadline - performance.now();
        if (enough || left <= 0 || this.stopping.aborted) return view;
        if (isEarly) continue;
        let timer: NodeJS.Timeout | undefined;
        await Promise.race([moved, new Promise((resolve) => (timer = setTimeout(resolve, Math.min(left, LOOK_EVERY_MS))))]);
        clearTimeout(timer);
      }
    } finally {
      unwatch();
    }
  }
}

/** Read models that are behind can't say yet: for whoever waits for it, it is not there. */
const notThere = (error: unknown): null => {
  if (error instanceof Problem && error.code === 'not_readable_yet') return null;
  throw error;
};

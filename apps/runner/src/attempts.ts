import type { NodeTask, Reply, RunnerId } from '@runlog/execution';
import { Attempt, type Workshop } from './attempt.js';
import type { NodeKind } from './kinds/node-kind.js';
import { Recent } from './recent.js';

/** What is kept of an attempt that has been reported. */
interface Reported {
  readonly task: Pick<NodeTask, 'executionId' | 'workspaceId' | 'node' | 'attempt'>;
  isOurs: boolean;
}

const REMEMBERED = 50_000;
const reports = { complete: 'completed', fail: 'failed', stop: 'stopped' } as const;

const keyOf = (task: Pick<NodeTask, 'executionId' | 'node' | 'attempt'>): string => `${task.executionId}:${task.node}.${task.attempt}`;

/** The attempts of this runner: those that run, and enough of the latest ones to tell repeats and late refusals. */
export class Attempts {
  readonly #running = new Map<string, Attempt>();
  readonly #reported = new Recent<Reported>(REMEMBERED);
  readonly #taken = new Recent<true>(REMEMBERED);
  readonly #ended = new Set<() => void>();

  constructor(
    private readonly runner: RunnerId,
    private readonly workshop: Workshop,
  ) {}

  /** False: this runner has, or had, this very attempt. */
  claim(task: NodeTask): boolean {
    const key = keyOf(task);
    if (this.#taken.has(key)) return false;
    this.#taken.set(key, true);
    return true;
  }

  /** The attempt goes to another runner; should it come back, it is new. */
  giveUp(task: NodeTask): void {
    this.#taken.delete(keyOf(task));
  }

  /** Resolves when the attempt has been reported. */
  async run(task: NodeTask, kind: NodeKind): Promise<void> {
    const key = keyOf(task);
    const attempt = new Attempt(task, kind, this.workshop);
    this.#running.set(key, attempt);
    try {
      await attempt.run();
    } finally {
      this.#running.delete(key);
      const { executionId, workspaceId, node } = task;
      this.#reported.set(key, { task: { executionId, workspaceId, node, attempt: task.attempt }, isOurs: attempt.isOurs });
      if (this.#running.size === 0) for (const ended of this.#ended) ended();
    }
  }

  hear(reply: Reply): void {
    if (reply.type === 'stop') {
      this.#running.get(keyOf(reply))?.stop(reply.reason);
      return;
    }
    const [, verb = '', key = ''] = /^(\w+):(.+):[^:]+$/.exec(reply.commandId) ?? [];
    const running = this.#running.get(key);
    const reported = this.#reported.get(key);
    if (verb === 'start') {
      running?.hear(reply);
      if (reported && reply.type === 'refused') reported.isOurs = false;
    } else if (verb in reports && reply.type === 'refused' && (running ?? reported)?.isOurs)
      this.#showLate((running ?? reported)?.task as Reported['task'], reports[verb as keyof typeof reports], reply.rejection.because);
  }

  /** Resolves when nothing runs any more, or after `withinMs`; what still runs then is left to be found lost. */
  async finish(withinMs: number): Promise<void> {
    if (this.#running.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ended.add(resolve);
    const timer = setTimeout(resolve, withinMs);
    await promise;
    clearTimeout(timer);
    for (const attempt of this.#running.values()) attempt.leave();
  }

  #showLate(task: Reported['task'], report: 'completed' | 'failed' | 'stopped', because: string): void {
    this.workshop.frames.send({ type: 'late_report', ...task, at: Date.now(), runner: this.runner, report, because });
  }
}

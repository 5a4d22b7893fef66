import type { NodeTask, Reply, RunnerId } from '@runlog/execution';
import { Attempt, type Workshop } from './attempt.js';
import { commandId } from './commands-out.js';
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
  /** One attempt may be begun here twice, by its task or in legs, on results of which at most one counts: the engine says which. */
  readonly #running = new Map<string, readonly Attempt[]>();
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

  /** Resolves when the attempt has been reported, and whatever follows in its leg. `goOn` gives the kind of a next node that has room here. */
  async run(task: NodeTask, kind: NodeKind, goOn: (step: NodeTask) => NodeKind | undefined): Promise<void> {
    for (let attempt: Attempt | undefined = this.#enter(task, kind); attempt; ) attempt = await this.#carryOut(attempt, goOn);
  }

  /** Gives the attempt begun ahead, if any. It is known here before its intent leaves: the refusal may be back before the acknowledgement is. */
  async #carryOut(attempt: Attempt, goOn: (step: NodeTask) => NodeKind | undefined): Promise<Attempt | undefined> {
    let next: Attempt | undefined;
    try {
      const report = await attempt.run();
      const step = attempt.stepAfter(report, commandId('CompleteNode', attempt.task, this.runner));
      const kind = step && goOn(step);
      if (!step || !kind) {
        await attempt.report(report);
        return undefined;
      }
      next = this.#enter(step, kind);
      await attempt.report(report, { id: commandId('StartNode', step, this.runner), node: step.node, attempt: step.attempt });
      // Told to stop meanwhile: its result comes too late, and nothing that was begun on it counts.
      if (attempt.isStopped) next.leave();
      return next;
    } catch (error) {
      if (next) this.#leave(next);
      throw error;
    } finally {
      this.#leave(attempt);
    }
  }

  #enter(task: NodeTask, kind: NodeKind): Attempt {
    const attempt = new Attempt(task, kind, this.workshop);
    const key = keyOf(task);
    this.#running.set(key, [...(this.#running.get(key) ?? []), attempt]);
    return attempt;
  }

  #leave(attempt: Attempt): void {
    const { task, head, isOurs } = attempt;
    const key = keyOf(task);
    const others = this.#running.get(key)?.filter((one) => one !== attempt) ?? [];
    if (others.length > 0) this.#running.set(key, others);
    else this.#running.delete(key);
    const { executionId, workspaceId, node } = task;
    this.#reported.set(`${key}@${head}`, { task: { executionId, workspaceId, node, attempt: task.attempt }, isOurs });
    if (this.#running.size === 0) for (const ended of this.#ended) ended();
  }

  hear(reply: Reply): void {
    if (reply.type === 'stop') {
      for (const attempt of this.#running.get(keyOf(reply)) ?? []) attempt.stop(reply.reason);
      return;
    }
    const [, stepOf, nth, stepHead] = /^(?:step|park):(.+):[^:]+:(\d+)(?:@([^:]+))?$/.exec(reply.commandId) ?? [];
    if (stepOf !== undefined) {
      this.#running
        .get(stepOf)
        ?.find((attempt) => attempt.head === stepHead)
        ?.hearStep(Number(nth), reply);
      return;
    }
    const [, verb = '', key = '', head] = /^(\w+):(.+):[^:@]+(?:@([^:]+))?$/.exec(reply.commandId) ?? [];
    const running = this.#running.get(key)?.find((attempt) => attempt.head === head);
    const reported = this.#reported.get(`${key}@${head}`);
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
    for (const attempt of [...this.#running.values()].flat()) attempt.leave();
  }

  #showLate(task: Reported['task'], report: 'completed' | 'failed' | 'stopped', because: string): void {
    this.workshop.frames.send({ type: 'late_report', ...task, at: Date.now(), runner: this.runner, report, because });
  }
}

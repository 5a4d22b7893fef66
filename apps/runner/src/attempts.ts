import type { NodeTask, Reply, RunnerId } from '@runlog/execution';
import { Attempt, type Workshop } from './attempt.js';
import { commandId } from './commands-out.js';
import type { NodeKind } from './kinds/node-kind.js';
import { Recent } from './recent.js';

/** What is kept of an attempt that has been reported. */
interface Reported {
  readonly task: Pick<NodeTask, 'executionId' | 'workspaceId' | 'node' | 'attempt'>;
  readonly head: string | undefined;
  isOurs: boolean;
}

const REMEMBERED = 50_000;
const reports = { complete: 'completed', fail: 'failed', stop: 'stopped' } as const;

const keyOf = (task: Pick<NodeTask, 'executionId' | 'node' | 'attempt'>): string => `${task.executionId}:${task.node}.${task.attempt}`;

/** The same attempt may have been begun here in two legs, the first on a result that was refused: a reply is about one of them. */
const begunIn = <One extends { readonly head: string | undefined }>(head: string | undefined, one: One | undefined): One | undefined => (one?.head === head ? one : undefined);

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
    // Begun ahead here as well: no task would come had that been accepted.
    this.#running.get(key)?.leave();
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
    this.#running.get(keyOf(task))?.leave();
    this.#running.set(keyOf(task), attempt);
    return attempt;
  }

  #leave(attempt: Attempt): void {
    const { task, head, isOurs } = attempt;
    const key = keyOf(task);
    const { executionId, workspaceId, node, attempt: number } = task;
    if (this.#running.get(key) === attempt) this.#running.delete(key);
    this.#reported.set(key, { task: { executionId, workspaceId, node, attempt: number }, head, isOurs });
    if (this.#running.size === 0) for (const ended of this.#ended) ended();
  }

  hear(reply: Reply): void {
    if (reply.type === 'stop') {
      this.#running.get(keyOf(reply))?.stop(reply.reason);
      return;
    }
    const [, verb = '', key = '', head] = /^(\w+):(.+):[^:@]+(?:@([^:]+))?$/.exec(reply.commandId) ?? [];
    const running = begunIn(head, this.#running.get(key));
    const reported = begunIn(head, this.#reported.get(key));
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

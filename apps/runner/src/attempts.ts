import { commandIdAbout, type NodeTask, type Reply, type RunnerId } from '@runlog/execution';
import { Attempt, type Workshop } from './attempt.js';
import type { NodeKind } from './kinds/node-kind.js';
import { Recent } from './recent.js';

/** A repeat of a task comes soon, if at all, and is harmless when it comes late. */
const REMEMBERED = 10_000;
const reports = { complete: 'completed', fail: 'failed', stop: 'stopped' } as const;

const keyOf = (task: Pick<NodeTask, 'executionId' | 'node' | 'attempt'>): string => `${task.executionId}:${task.node}.${task.attempt}`;

/** The attempts of this runner: those that run, and enough of the latest ones to tell repeats and late refusals. */
export class Attempts {
  /** One attempt may be begun here twice, by its task or in legs, on results of which at most one counts: the engine says which. */
  readonly #running = new Map<string, readonly Attempt[]>();
  /** Whose start the engine has refused: nothing that is said of their reports is news. */
  readonly #disowned = new Recent(REMEMBERED);
  readonly #taken = new Recent(REMEMBERED);
  readonly #ended = new Set<() => void>();

  constructor(
    private readonly runner: RunnerId,
    private readonly workshop: Workshop,
  ) {}

  /** False: this runner has, or had, this very attempt. */
  claim(task: NodeTask): boolean {
    const key = keyOf(task);
    if (this.#taken.has(key)) return false;
    this.#taken.add(key);
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
      const step = attempt.stepAfter(report, this.runner);
      const kind = step && goOn(step);
      if (!step || !kind) {
        await attempt.report(report);
        return undefined;
      }
      next = this.#enter(step, kind);
      await attempt.report(report, { id: commandIdAbout(step, 'StartNode', this.runner), node: step.node, attempt: step.attempt });
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
    const others = this.#running.get(key);
    this.#running.set(key, others ? [...others, attempt] : [attempt]);
    return attempt;
  }

  #leave(attempt: Attempt): void {
    const key = keyOf(attempt.task);
    const running = this.#running.get(key);
    if (running && running.length > 1)
      this.#running.set(
        key,
        running.filter((one) => one !== attempt),
      );
    else this.#running.delete(key);
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
    if (reply.type === 'refused' && verb in reports) this.#showLate(reply, verb as keyof typeof reports, key, head);
    if (verb !== 'start') return;
    if (reply.type === 'refused') this.#disowned.add(`${key}@${head}`);
    this.#running
      .get(key)
      ?.find((attempt) => attempt.head === head)
      ?.hear(reply);
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

  #showLate({ executionId, workspaceId, rejection }: Extract<Reply, { type: 'refused' }>, verb: keyof typeof reports, key: string, head: string | undefined): void {
    const [, node, attempt] = /^[^:]+:(.+)\.(\d+)$/.exec(key) ?? [];
    if (workspaceId === undefined || node === undefined || this.#disowned.has(`${key}@${head}`)) return;
    const report = reports[verb];
    this.workshop.frames.send({
      type: 'late_report',
      executionId,
      workspaceId,
      node,
      attempt: Number(attempt),
      at: Date.now(),
      runner: this.runner,
      report,
      because: rejection.because,
    });
  }
}

import type { Bodies } from '@runlog/artifacts';
import type { PriceList } from '@runlog/cost';
import { attemptSpanId, commandIdAbout, type Intent, type NodeTask, type Reply, type RunnerId, stepAfter, traceparentFrom } from '@runlog/execution';
import { resolveConfig } from '@runlog/workflow';
import type { AgentMemory } from './agent/agency.js';
import { Steps } from './agent/steps.js';
import type { McpServers } from './agent/tools/mcp/mcp-servers.js';
import { Disowned, effectOf, nodeErrorOf, type Reach, Stopped, TimedOut } from './attempt-failure.js';
import type { About, CommandsOut } from './commands-out.js';
import type { Egress } from './egress/egress.js';
import type { Frames } from './frames.js';
import { type NodeContext, type NodeKind, type NodeResult, terminal } from './kinds/node-kind.js';
import { isInline, type Reported, stowed, wholeScope } from './node-bodies.js';
import { NodeLog } from './node-log.js';
import { isTooDeep, MAX_DEPTH, storable } from './plain-json.js';
import { Redaction } from './redaction.js';
import type { Sandbox } from './sandbox/sandbox.js';
import type { SecretStore } from './secret-store.js';

/** What attempts need of their runner. */
export interface Workshop {
  readonly commands: CommandsOut;
  readonly frames: Frames;
  readonly secrets: SecretStore;
  readonly egress: Egress;
  readonly sandbox: Sandbox;
  readonly mcp: McpServers;
  readonly bodies: Bodies;
  readonly prices: PriceList;
  readonly memory: AgentMemory;
}

/** The start of a node that touches nothing outside waits so long for a report that says it too. */
const START_WITH_REPORT_MS = 100;
/** A start that goes alone waits so long for others, so that they share one send and one decision. */
const START_LINGER_MS = 2;
/** A node that declares an effect asks again for its start when no answer comes: the reply may have been lost with the engine's owner. */
const ASK_AGAIN_MS = 3_000;
/** After an abort the node has this long to end; then it is reported as stopped all the same. */
const STOP_WITHIN_MS = 5_000;
const MAX_TIMER_MS = 2 ** 31 - 1;

/** One attempt of one node in this runner, from its start (or the intent that began it ahead) to its report. */
export class Attempt {
  readonly #ending = new AbortController();
  readonly #redaction = new Redaction();
  readonly #log: NodeLog;
  readonly #steps: Steps | undefined;
  /** Only a node that declares an effect waits for the engine's word. */
  readonly #mayBegin: PromiseWithResolvers<void> | undefined;
  readonly #began = performance.now();
  readonly #startedAt = Date.now();
  #signalledAt: number | undefined;
  /** Its StartNode is on the log; undefined: it was begun ahead, or its report is to say the start. */
  #started: Promise<void> | undefined;
  /** Until its StartNode goes alone. */
  #untold: NodeJS.Timeout | undefined;
  /** Ends the wait for work that does not listen. */
  #giveUp: ((reason: unknown) => void) | undefined;
  #grace: NodeJS.Timeout | undefined;
  #isSmall = false;
  /** How far its effect on the world has come. */
  #effect: Reach = 'none';

  constructor(
    readonly task: NodeTask,
    private readonly kind: NodeKind,
    private readonly workshop: Workshop,
  ) {
    this.#log = new NodeLog(task, workshop.frames, this.#redaction);
    if (kind.takesSteps) this.#steps = new Steps((step) => workshop.commands.send(step, task), this.#ending.signal);
    if (task.effect !== null) this.#mayBegin = Promise.withResolvers<void>();
    this.#mayBegin?.promise.catch(() => undefined);
  }

  /** Of an attempt begun ahead: the one that its leg began with. */
  get head(): string | undefined {
    return this.task.leg?.begun?.head;
  }

  get isStopped(): boolean {
    return this.#signalledAt !== undefined;
  }

  /** False once the engine has refused this runner's start: a refusal of the report then says nothing new. */
  isOurs = true;

  /** The engine's answer to StartNode. */
  hear(reply: Reply): void {
    if (reply.type !== 'refused') {
      this.#mayBegin?.resolve();
      return;
    }
    this.isOurs = false;
    this.#end(new Disowned(reply.rejection.because));
  }

  /** The engine's answer to a step of an agent. */
  hearStep(nth: number, reply: Reply): void {
    this.#steps?.hear(nth, reply);
  }

  /** A stop signal: aborts the work; `run` then reports that it stopped. */
  stop(reason: Stopped['reason']): void {
    this.#signalledAt ??= Date.now();
    this.#end(new Stopped(reason));
  }

  /** Nothing is reported any more: the runner is going away, or the attempt was begun on a result that does not count. */
  leave(): void {
    this.#end(new Disowned('the attempt was given up'));
  }

  /** Resolves with the report to send, if there is anything to report. */
  async run(): Promise<About | undefined> {
    const { task, workshop } = this;
    const mustWait = task.effect !== null;
    if (task.startWithReport && this.kind.isSealed) this.#untold = setTimeout(() => this.#start(), START_WITH_REPORT_MS);
    else if (!task.leg?.begun) this.#start(mustWait ? 0 : START_LINGER_MS);
    let report: About | undefined;
    // Not sent is as good as not answered: it is asked again.
    const again = mustWait ? setInterval(() => void workshop.commands.send({ type: 'StartNode' }, task).catch(() => undefined), ASK_AGAIN_MS) : undefined;
    try {
      if (this.#mayBegin) await this.#mayBegin.promise;
      clearInterval(again);
      this.#ending.signal.throwIfAborted();
      this.#log.write('debug', `Started, attempt ${task.attempt}`);
      report = await this.#work();
    } catch (error) {
      report = this.#failed(error);
    } finally {
      clearInterval(again);
    }
    return this.isOurs ? report : undefined;
  }

  /** What its leg goes on with after this report of the runner. */
  stepAfter(report: About | undefined, runner: RunnerId): NodeTask | undefined {
    if (report?.type !== 'CompleteNode' || !this.#isSmall || !this.task.leg?.nodes.length || this.#ending.signal.aborted) return undefined;
    return stepAfter(this.task, report.output, commandIdAbout(this.task, 'CompleteNode', runner), Date.now());
  }

  /** Resolves when the report is on the log, and whatever it rests on. */
  async report(report: About | undefined, begins?: Intent): Promise<void> {
    const records = this.#steps?.rest();
    if (!report) {
      this.#isUntold();
      return this.#started;
    }
    this.#logEnd(report);
    // Whoever sees the end of a leg finds its lines.
    const lines = begins ? undefined : this.workshop.frames.flush(this.task.executionId);
    if (lines) await lines;
    const isUntold = this.#isUntold();
    // A stored result may be refused for want of its body, which is nothing against the start.
    const isJoined = isUntold && report.type !== 'StopNode' && !('outputRef' in report);
    if (isUntold && !isJoined) this.#start();
    const startedAt = isJoined ? this.#startedAt : undefined;
    const told = { ...report, startedAt, signalledAt: this.#signalledAt, records: records?.length ? records : undefined, begins } as About;
    const sent = this.workshop.commands.send(told, this.task);
    if (this.#started) await Promise.all([this.#started, sent]);
    else await sent;
  }

  #start(lingerMs = 0): void {
    this.#untold = undefined;
    this.#started = this.workshop.commands.send({ type: 'StartNode' }, this.task, lingerMs, this.#startedAt);
    // Its failure is met where the report is sent; until then the work goes on.
    this.#started.catch(() => undefined);
  }

  /** True, once: nobody has said that it started, and from now on it is up to whoever asks. */
  #isUntold(): boolean {
    const isUntold = this.#untold !== undefined;
    clearTimeout(this.#untold);
    this.#untold = undefined;
    return isUntold;
  }

  #end(reason: Error): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort(reason);
    this.#mayBegin?.reject(reason);
    if (this.#giveUp) this.#grace = setTimeout(this.#giveUp, STOP_WITHIN_MS, reason);
  }

  async #work(): Promise<About> {
    const { task, workshop } = this;
    if (task.failure) throw terminal(task.failure.code, task.failure.message);
    const { output, branch } = await this.#bounded();
    this.#effect = 'had';
    const text = JSON.stringify(output);
    if (isTooDeep(text)) throw terminal('output_invalid', `Expected an output of at most ${MAX_DEPTH} levels, but it nests deeper`);
    const kept = this.#redaction.json(storable(output, text), text);
    const keptText = kept === output ? text : JSON.stringify(kept);
    const reported: Reported = isInline(keptText) ? { output: kept } : await stowed(workshop.bodies, task, keptText, this.#ending.signal);
    // A stored result ends a leg: what follows goes on from the log.
    this.#isSmall = reported.outputRef === undefined;
    return { type: 'CompleteNode', ...reported, branch } as About;
  }

  /** Runs within the node's limit; rejects soon after an abort even when the work does not listen. */
  async #bounded(): Promise<NodeResult> {
    const limitMs = this.task.timeoutMs ?? this.kind.defaultTimeoutMs;
    const limit = this.kind.endsOnTime ? undefined : setTimeout(() => this.#end(new TimedOut(limitMs, this.task)), Math.min(limitMs, MAX_TIMER_MS));
    try {
      return await new Promise<NodeResult>((resolve, reject) => {
        this.#giveUp = reject;
        this.#run().then(resolve, reject);
      });
    } finally {
      this.#giveUp = undefined;
      clearTimeout(limit);
      clearTimeout(this.#grace);
    }
  }

  async #run(): Promise<NodeResult> {
    const context = await this.#context();
    if (!this.kind.saysWhenItBegins) context.begins();
    return this.kind.run(context);
  }

  #failed(error: unknown): About | undefined {
    const { signal } = this.#ending;
    const reason: unknown = signal.aborted ? signal.reason : error;
    if (reason instanceof Disowned) return undefined;
    if (reason instanceof Stopped) return reason.reason === 'cancelled' ? { type: 'StopNode' } : undefined;
    const failure = nodeErrorOf(reason, this.#redaction);
    const effect = this.task.effect === null ? undefined : effectOf(reason, this.#effect);
    return { type: 'FailNode', error: effect ? { ...failure, effect } : failure };
  }

  async #context(): Promise<NodeContext> {
    const { task, workshop } = this;
    const { egress, sandbox, mcp, frames, bodies, prices, memory } = workshop;
    const definition = { type: task.kind, config: task.config as { [member: string]: NodeTask['config'] } };
    const scope = task.bodies ? await wholeScope(workshop.bodies, task) : task.scope;
    const config = await resolveConfig(definition, scope, { at: task.at, commandId: task.idempotencyKey });
    return {
      config,
      scope,
      signal: this.#ending.signal,
      idempotencyKey: task.idempotencyKey,
      attempt: task.attempt,
      traceparent: this.kind.isSealed ? undefined : this.#traceparent(),
      effect: task.effect,
      begins: () => {
        this.#ending.signal.throwIfAborted();
        this.#effect = 'begun';
      },
      timeoutMs: task.timeoutMs,
      log: this.#log.write,
      conceal: (value) => this.#redaction.add(value),
      secrets: async (name) => {
        const value = await workshop.secrets.read(task.workspaceId, name);
        if (value === undefined) throw terminal('secret_missing', `Expected secret '${name}', but the workspace has none of that name`);
        this.#redaction.add(value);
        return value;
      },
      egress,
      sandbox,
      mcp: mcp.of(task.workspaceId),
      agency: this.#steps && { task, steps: this.#steps, frames, redaction: this.#redaction, bodies, prices, memory, signal: this.#ending.signal },
    };
  }

  #traceparent(): string | undefined {
    const { traceparent, executionId, node, attempt } = this.task;
    return traceparent === undefined ? undefined : traceparentFrom(traceparent, attemptSpanId(executionId, node, attempt));
  }

  #logEnd(report: About): void {
    const ms = Math.round(performance.now() - this.#began);
    if (report.type === 'CompleteNode') this.#log.end('info', `Completed in ${ms} ms`, { ms });
    else if (report.type !== 'FailNode') this.#log.end('warn', `Stopped after ${ms} ms`, { ms });
    else this.#log.end('error', `Failed after ${ms} ms: ${report.error.message}`, { ms, code: report.error.code, retryable: report.error.retryable });
  }
}

import { type ArtifactStore, Bodies } from '@runlog/artifacts';
import { decodeJson, type EventLog, encodeJson } from '@runlog/event-log';
import type { Heartbeat, NodeTask, Reply } from '@runlog/execution';
import { Attempts } from '../../apps/runner/src/attempts.js';
import { CommandsOut } from '../../apps/runner/src/commands-out.js';
import type { Frames } from '../../apps/runner/src/frames.js';
import { type NodeContext, NodeFailure, type NodeKind } from '../../apps/runner/src/kinds/node-kind.js';
import { type SeenCall, SimulatedAgent } from './agent.js';
import { heavyChars } from './body-checks.js';
import type { Random } from './random.js';

/** What the world outside saw runners do, which no crash undoes. */
export interface Effect {
  readonly executionId: string;
  readonly node: string;
  readonly attempt: number;
  readonly runner: string;
  /** Of a node begun ahead in a leg: the command that carried its intent. */
  readonly begunBy: string | undefined;
  /** The idempotency key under which the world saw it. */
  readonly key: string;
  readonly at: number;
  /** What the node gives, unless it fails; names the effect. */
  readonly output: { readonly by: string; readonly attempt: number; readonly run: string; readonly saw: { readonly [node: string]: string } };
}

/** What the world lends a runner. */
export interface Surroundings {
  readonly random: Random;
  readonly artifacts: ArtifactStore;
  /** Once troubles are over, nodes neither fail nor take long. */
  isTroubled(): boolean;
  act(effect: Effect): void;
  call(seen: SeenCall): void;
}

const silentFrames = { send: () => undefined, log: () => undefined, flush: () => undefined } as unknown as Frames;

/** The runner's own attempts and legs; what nodes do is an effect that is written down, some time, and sometimes a failure. */
export class SimulatedRunner {
  readonly #attempts: Attempts;
  #running = 0;
  #runs = 0;
  #isDead = false;
  readonly #agent: SimulatedAgent;

  constructor(
    private readonly id: string,
    private readonly log: EventLog,
    private readonly around: Surroundings,
  ) {
    this.#agent = new SimulatedAgent({ ...around, isDead: () => this.#isDead, nextRun: () => `${id}/${++this.#runs}` });
    const lacking = {
      secrets: undefined as never,
      egress: undefined as never,
      sandbox: undefined as never,
      mcp: { of: () => undefined } as never,
      prices: undefined as never,
      memory: undefined as never,
    };
    this.#attempts = new Attempts(id, { commands: new CommandsOut(log, id), frames: silentFrames, bodies: new Bodies(around.artifacts), ...lacking });
  }

  async start(): Promise<void> {
    await this.log.tail({
      topic: 'command-replies',
      start: async () => 'end',
      onBatch: async ({ records }) => {
        for (const record of records) if (record.key === this.id) this.#attempts.hear(decodeJson<Reply>(record));
      },
    });
    await this.log.subscribe({
      topic: 'node-tasks',
      group: 'runners',
      start: async () => 'committed',
      onBatch: async ({ records }) => {
        for (const record of records) void this.#take(decodeJson<NodeTask>(record));
      },
    });
    this.#beat();
    setInterval(() => this.#beat(), 1_000);
  }

  die(): void {
    this.#isDead = true;
    void this.#attempts.finish(0);
  }

  #beat(): void {
    const heartbeat: Heartbeat = { runner: this.id, at: Date.now(), kinds: ['code', 'agent'], slots: 50, free: 50 - this.#running, backlog: 0, partitions: [], stopping: false };
    this.log.send([{ topic: 'runner-heartbeats', partition: 0, records: [encodeJson(this.id, heartbeat)] }]).catch(() => undefined);
  }

  async #take(task: NodeTask): Promise<void> {
    if (!this.#attempts.claim(task)) return;
    this.#running++;
    // Sometimes a leg ends early, as it does in a runner that is about to stop.
    await this.#attempts.run(task, this.#kindOf(task), (step) => (this.around.random.chance(0.9) ? this.#kindOf(step) : undefined)).catch(() => undefined);
    this.#running--;
  }

  #kindOf = (task: NodeTask): NodeKind =>
    task.kind === 'agent' ? this.#agent.kind : { kind: task.kind, defaultTimeoutMs: 60_000, endsOnTime: true, isSealed: true, run: (context) => this.#work(task, context) };

  async #work({ executionId, node, attempt, effect, leg }: NodeTask, { scope, signal, idempotencyKey: key }: NodeContext): Promise<{ output: Effect['output'] }> {
    const { random, isTroubled, act } = this.around;
    signal.throwIfAborted();
    if (this.#isDead) return new Promise(() => undefined);
    const saw = Object.fromEntries(Object.entries(scope.nodes).map(([name, output]) => [name, String((output as { run?: string } | null)?.run)]));
    const output = { by: node, attempt, run: `${this.id}/${++this.#runs}`, saw, ...(node === 'big' ? { pad: 'x'.repeat(heavyChars) } : {}) };
    const isBad = isTroubled();
    // Nothing was there to connect to.
    if (isBad && effect !== null && random.chance(0.05)) throw new NodeFailure({ code: 'unreachable', message: 'nobody was there', retryable: true, effect: 'none' });
    act({ executionId, node, attempt, runner: this.id, begunBy: leg?.begun?.by, key, at: Date.now(), output });
    const ms = isBad && random.chance(effect === null ? 0.15 : 0.5) ? random.between(500, 6_000) : random.between(1, 60);
    const fails = isBad && random.chance(0.1);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, ms);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(signal.reason);
      });
    });
    if (fails) throw new NodeFailure({ code: 'broken', message: 'it broke', retryable: true, effect: random.chance(0.5) ? 'unknown' : undefined });
    return { output };
  }
}

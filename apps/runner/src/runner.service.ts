import { type ArtifactStore, Bodies } from '@runlog/artifacts';
import type { PriceList } from '@runlog/cost';
import { type Batch, decodeJson, decodeOrDeadLetter, type EventLog, encodeJson, type LogRecord, partitionOf, type Subscription } from '@runlog/event-log';
import type { Heartbeat, NodeTask, Reply, RunnerId } from '@runlog/execution';
import type { Logger } from '@runlog/platform';
import { uuidv7 } from 'uuidv7';
import type { AgentMemory } from './agent/agency.js';
import { McpServers } from './agent/tools/mcp/mcp-servers.js';
import { Attempts } from './attempts.js';
import { CommandsOut } from './commands-out.js';
import { Desk, type Slot } from './desk.js';
import { Egress } from './egress/egress.js';
import { Frames } from './frames.js';
import { listen } from './inbox.js';
import { nodeKinds } from './kinds/index.js';
import { NodeFailure, type NodeKind } from './kinds/node-kind.js';
import { Neighbours } from './neighbours.js';
import { Sandbox } from './sandbox/sandbox.js';
import type { SecretStore } from './secret-store.js';

export interface RunnerSettings {
  /** Nodes that run at a time. */
  readonly slots: number;
  /** Private places that nodes may reach (see `EgressRules`). */
  readonly egressAllow: readonly string[];
  /** Runlog's own ports, which no node may reach; read at each connection, so ports may be added while services come up. */
  readonly denyPorts?: Iterable<number>;
  /** Path of the operator's file of MCP servers that runners may start; absent: none. */
  readonly mcpServers?: string | undefined;
  /** Running nodes get this long to end when the runner stops. */
  readonly stopWithinMs?: number;
}

export interface RunnerParts {
  readonly log: EventLog;
  readonly secrets: SecretStore;
  readonly artifacts: ArtifactStore;
  readonly memory: AgentMemory;
  readonly prices: PriceList;
  readonly logger: Logger;
  readonly settings: RunnerSettings;
}

const HEARTBEAT_MS = 1_000;
const STOP_WITHIN_MS = 10_000;
const MAX_BACKLOG = 1_000;
/** A task that nobody had room for is passed on no more than this often; then it waits where it is. */
const MAX_PASSES = 3;
const PASSED = 'runlog-passed';

/** Does the work of nodes: takes tasks, reports by command, and answers stop signals. */
export class RunnerService {
  /** One start of one runner: new after every restart. */
  readonly id: RunnerId = `runner_${uuidv7()}`;
  readonly #partitions = new Set<number>();
  readonly #neighbours = new Neighbours(this.id);
  readonly #egress: Egress;
  readonly #sandbox: Sandbox;
  readonly #mcp: McpServers;
  readonly #frames: Frames;
  readonly #attempts: Attempts;
  readonly #desk: Desk;
  readonly #subscriptions: Subscription[] = [];
  #tasks: Subscription | undefined;
  #heart: NodeJS.Timeout | undefined;
  #isStopping = false;

  constructor(private readonly parts: RunnerParts) {
    const { log, secrets, artifacts, memory, prices, logger, settings } = parts;
    this.#egress = new Egress({ allow: settings.egressAllow, denyPorts: settings.denyPorts ?? [] });
    this.#sandbox = new Sandbox(settings.slots, () =>
      logger.warn('a process for code could not start, another one is tried; look for its memory, file descriptors and process limits'),
    );
    this.#mcp = new McpServers({ allowList: settings.mcpServers, egress: this.#egress, logger });
    this.#frames = new Frames(log, this.id);
    const commands = new CommandsOut(log, this.id);
    this.#attempts = new Attempts(this.id, {
      commands,
      frames: this.#frames,
      secrets,
      egress: this.#egress,
      sandbox: this.#sandbox,
      mcp: this.#mcp,
      bodies: new Bodies(artifacts),
      prices,
      memory,
    });
    this.#desk = new Desk(settings.slots, MAX_BACKLOG, this.#sandbox, (task, slot) => this.#run(task, slot));
  }

  async start(): Promise<void> {
    const { log } = this.parts;
    this.#sandbox.warm();
    this.#subscriptions.push(await listen<Reply>(log, 'command-replies', (reply) => this.#attempts.hear(reply), this.id));
    this.#subscriptions.push(await listen<Heartbeat>(log, 'runner-heartbeats', (heartbeat) => void this.#hear(heartbeat)));
    this.#tasks = await log.subscribe({
      topic: 'node-tasks',
      group: 'runner',
      start: async (partition) => {
        this.#partitions.add(partition);
        return 'committed';
      },
      onBatch: (batch) => this.#take(batch),
      onRevoked: (partition) => void this.#partitions.delete(partition),
    });
    this.#beat();
    this.#heart = setInterval(() => this.#beat(), HEARTBEAT_MS);
  }

  /** Takes nothing more, lets running nodes end for a while, leaves the rest to be found lost. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#heart);
    this.#beat();
    for (const { task } of this.#desk.release(() => true)) await this.#passOn(task, JSON.stringify(task), 0);
    await this.#tasks?.stop();
    await this.#attempts.finish(this.parts.settings.stopWithinMs ?? STOP_WITHIN_MS);
    await this.#frames.drained();
    await Promise.all(this.#subscriptions.map((subscription) => subscription.stop()));
    await Promise.all([this.#mcp.close(), this.#sandbox.close()]);
    await this.#egress.close();
  }

  describe(): Heartbeat & { readonly running: number; readonly sandboxes: number; readonly framesDropped: number } {
    return { ...this.#heartbeat(), running: this.#desk.running, sandboxes: this.#sandbox.children, framesDropped: this.#frames.dropped };
  }

  async #take({ records }: Batch): Promise<void> {
    const tasks = await decodeOrDeadLetter(this.parts.log, records, (record) => ({ record, task: decodeJson<NodeTask>(record) }));
    for (const { record, task } of tasks) {
      const kind = nodeKinds.get(task.kind) ?? unknownKind(task.kind);
      if (!this.#attempts.claim(task)) continue;
      const passes = Number(record.headers[PASSED] ?? 0);
      const isWelcome = !this.#isStopping && nodeKinds.has(task.kind) && this.#desk.hasRoomFor(kind);
      if (!isWelcome && passes < MAX_PASSES && (await this.#passOn(task, record.value, passes))) continue;
      if (!this.#isStopping) await this.#desk.take({ task, kind, bytes: record.value.length, passes });
    }
  }

  /** False: nobody else has room either. */
  async #passOn(task: NodeTask, value: LogRecord['value'] | string, passes: number): Promise<boolean> {
    const partition = this.#neighbours.place(task.kind, Date.now());
    if (partition === undefined || this.#partitions.has(partition)) return false;
    await this.parts.log.send([{ topic: 'node-tasks', partition, records: [{ key: task.executionId, headers: { [PASSED]: String(passes + 1) }, value }] }]);
    this.#attempts.giveUp(task);
    return true;
  }

  /** What waits here goes to a neighbour that has room by now, as far as it has. */
  async #hear(heartbeat: Heartbeat): Promise<void> {
    this.#neighbours.hear(heartbeat, Date.now());
    if (heartbeat.runner === this.id || this.#isStopping || this.#desk.backlog === 0) return;
    let room = heartbeat.free - heartbeat.backlog;
    const waiting = this.#desk.release(({ passes }) => passes < MAX_PASSES && room-- > 0);
    for (const each of waiting) {
      const isPassed = await this.#passOn(each.task, JSON.stringify(each.task), each.passes).catch((error: unknown) => {
        this.parts.logger.warn({ err: error }, 'could not pass a task on, it stays here');
      });
      if (!isPassed) void this.#desk.take(each);
    }
  }

  async #run(task: NodeTask, slot: Slot): Promise<void> {
    try {
      await this.#attempts.run(task, slot.kind, (step) => this.#goOn(step, slot));
    } catch (error) {
      if (!this.#isStopping) this.parts.logger.error({ err: error, execution: task.executionId, node: task.node }, 'could not report an attempt');
    }
  }

  #goOn(step: NodeTask, slot: Slot): NodeKind | undefined {
    const kind = nodeKinds.get(step.kind);
    return !this.#isStopping && kind && this.#desk.turn(slot, kind) ? kind : undefined;
  }

  #beat(): void {
    const { log, logger } = this.parts;
    const partition = partitionOf(this.id, log.partitions('runner-heartbeats'));
    log.send([{ topic: 'runner-heartbeats', partition, records: [encodeJson(this.id, this.#heartbeat())] }]).catch((error: unknown) => {
      if (!this.#isStopping) logger.warn({ err: error }, 'could not send a heartbeat');
    });
  }

  #heartbeat(): Heartbeat {
    const { slots, free, backlog } = this.#desk;
    return { runner: this.id, at: Date.now(), kinds: [...nodeKinds.keys()], slots, free, backlog, partitions: [...this.#partitions], stopping: this.#isStopping };
  }
}

/** Of a task that a newer release sent: it may succeed once every runner is of that release. */
const unknownKind = (kind: string): NodeKind => ({
  kind,
  defaultTimeoutMs: 1_000,
  run: () => Promise.reject(new NodeFailure({ code: 'kind_unknown', message: `Expected a kind of node that this runner serves, but got '${kind}'`, retryable: true })),
});

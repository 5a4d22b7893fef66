import type { ArtifactStore } from '@runlog/artifacts';
import type { Reads } from '@runlog/contract';
import type { EventLog } from '@runlog/event-log';
import { type Config, type HealthRegistry, type Logger, openRequestTracer, type Registry, type RequestTracer, type Startable } from '@runlog/platform';
import { type Catalog, IDEMPOTENCY_KEPT_MS, type SecretBox } from '@runlog/read-model';
import { uuidv7 } from 'uuidv7';
import { firstAdminKey } from './auth/admin-key.js';
import { KeyRing } from './auth/key-ring.js';
import { Commands } from './commands.js';
import { StoredBodies } from './executions/stored-bodies.js';
import { Frames } from './frames.js';
import { exposeGateway } from './metrics.js';
import { Replies } from './replies.js';
import { RunnersSeen } from './runners-seen.js';
import { OpenStreams } from './streams/open-streams.js';
import { Tail } from './tail.js';

/** What the gateway is given. Log and catalog are started and stopped by whoever made them. */
export interface GatewayDeps {
  readonly log: EventLog;
  readonly reads: Reads;
  readonly catalog: Catalog;
  readonly artifacts: ArtifactStore;
  /** Seals secrets on their way in, and answers that hold one. */
  readonly sealing: SecretBox;
  readonly config: Pick<
    Config,
    'adminKey' | 'answerLimitBytes' | 'bodyLimitBytes' | 'heartbeatTimeoutMs' | 'home' | 'prices' | 'publicUrl' | 'rateLimit' | 'sseLimit' | 'sseMaxSeconds' | 'traces'
  >;
  readonly logger: Logger;
  readonly health: HealthRegistry;
  readonly metrics: Registry;
}

const RETRY_MS = 500;
const FORGET_EVERY_MS = 3600_000;

/** The parts of the gateway that live as long as the process: tail, inbox, keys, streams. */
export class GatewayService implements Startable {
  readonly tail: Tail;
  readonly commands: Commands;
  readonly keys: KeyRing;
  readonly streams: OpenStreams;
  readonly frames: Frames;
  readonly bodies: StoredBodies;
  readonly runners: RunnersSeen;
  /** Where spans are exported, once started. */
  tracer: RequestTracer | undefined;
  private readonly replies: Replies;
  private readonly controller = new AbortController();
  private connecting: Promise<void> | undefined;
  private forgetting: NodeJS.Timeout | undefined;
  private firstKey: { key: string; source: 'environment' | 'file' } | undefined;

  constructor(readonly deps: GatewayDeps) {
    const { log, reads, catalog, artifacts, config, logger, health, metrics } = deps;
    this.tail = new Tail(log, reads, logger);
    this.replies = new Replies(log, `gateway-${uuidv7()}`, logger);
    this.bodies = new StoredBodies(artifacts, config.answerLimitBytes);
    this.commands = new Commands(log, this.tail, this.replies, this.bodies);
    this.keys = new KeyRing(catalog);
    this.streams = new OpenStreams(this.keys, config.sseLimit, config.sseMaxSeconds);
    this.frames = new Frames(log);
    this.runners = new RunnersSeen(log, config.heartbeatTimeoutMs);
    health.add('gateway', () => (this.stopping.aborted ? 'stopping' : this.tail.caughtUp()));
    exposeGateway(metrics, this);
  }

  /** Aborts first of all on the way down: readiness fails, waiting callers get what there is. */
  get stopping(): AbortSignal {
    return this.controller.signal;
  }

  /** The first admin key, once started. */
  get adminKey(): { key: string; source: 'environment' | 'file' } {
    if (!this.firstKey) throw new Error('Expected the gateway to be started before its admin key is read, but it is not');
    return this.firstKey;
  }

  /** Resolves with the keys ready; the tail connects behind, for as long as it takes `queries` to answer. */
  async start(): Promise<void> {
    this.firstKey = await firstAdminKey(this.deps.catalog, this.keys, this.deps.config);
    const { traces } = this.deps.config;
    if (traces.url !== undefined) this.tracer = await openRequestTracer('runlog-gateway', { ...traces, url: traces.url });
    await Promise.all([this.replies.start(), this.runners.start()]);
    this.connecting = this.connect();
    this.forgetting = setInterval(() => void this.forgetKeys(), FORGET_EVERY_MS).unref();
  }

  /** Before the port closes: open streams end, so that their clients go elsewhere. */
  drain(): void {
    this.controller.abort();
    this.streams.stop();
  }

  async stop(): Promise<void> {
    this.drain();
    clearInterval(this.forgetting);
    await this.connecting;
    await Promise.all([this.tail.stop(), this.replies.stop(), this.frames.stop(), this.runners.stop(), this.tracer?.close()]);
  }

  private async forgetKeys(): Promise<void> {
    const { catalog, logger } = this.deps;
    await catalog.forgetIdempotent(Date.now() - IDEMPOTENCY_KEPT_MS).catch((error: unknown) => logger.warn({ err: error }, 'cannot forget old idempotency keys yet'));
  }

  private async connect(): Promise<void> {
    while (!this.stopping.aborted)
      try {
        return await this.tail.start();
      } catch (error) {
        this.deps.logger.warn({ err: error }, 'cannot tail the events yet');
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
  }
}

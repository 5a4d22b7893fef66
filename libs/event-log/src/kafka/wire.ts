import type { ISocketFactory } from 'kafkajs';
import Cluster from 'kafkajs/src/cluster/index.js';
import socketFactory from 'kafkajs/src/network/socketFactory.js';
import type { Diagnostics } from '../diagnostics.js';
import type { Topic } from '../topics.js';
import { cut, Line, noLogger, requestTimeoutMs, tame } from './line.js';
import { retrying } from './retry.js';

const newsStayMs = 250;

export interface WireOptions {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly diagnostics: Diagnostics;
  /** How to connect, if not plainly: TLS, or a proxy in tests. */
  readonly socketFactory?: ISocketFactory;
}

/** Finds brokers, leaders and coordinators, and opens lines to them. What it knows is thrown away at the first failure and learnt anew. */
export class Wire {
  private known: Promise<Cluster> | undefined;
  private learntAt = 0;
  private topics: readonly Topic[] = [];
  private readonly idle: Line[] = [];
  private readonly ending = new AbortController();
  private reportedAt = 0;

  constructor(private readonly options: WireOptions) {}

  get closed(): AbortSignal {
    return this.ending.signal;
  }

  /** From now on leaders of these topics are known. */
  watch(topics: readonly Topic[]): void {
    this.topics = topics;
    this.drop();
  }

  /** After a failure: what was known about the cluster may no longer be so. Many readers fail together, so news stay for a moment. */
  forget(): void {
    if (Date.now() - this.learntAt > newsStayMs) this.drop();
  }

  async leader(topic: Topic, partition: number): Promise<number> {
    const { brokerPool } = await this.cluster();
    const found = brokerPool.metadata?.topicMetadata.find((one) => one.topic === topic)?.partitionMetadata.find((one) => one.partitionId === partition);
    if (!found || found.leader < 0) {
      this.forget();
      throw new Error(`Expected a leader of '${topic}/${partition}', but there is none`);
    }
    return found.leader;
  }

  async partitionCounts(): Promise<Map<string, number>> {
    const { brokerPool } = await this.cluster();
    return new Map(brokerPool.metadata?.topicMetadata.map(({ topic, partitionMetadata }) => [topic, partitionMetadata.length]));
  }

  async anyLine(): Promise<Line> {
    const { brokerPool } = await this.cluster();
    const nodes = brokerPool.metadata?.brokers ?? [];
    const node = nodes[Math.floor(Math.random() * nodes.length)];
    if (!node) throw new Error('Expected a Kafka broker, but the cluster names none');
    return this.line(node.nodeId);
  }

  async lineToLeader(topic: Topic, partition: number): Promise<Line> {
    return this.line(await this.leader(topic, partition));
  }

  async line(nodeId: number): Promise<Line> {
    const cluster = await this.cluster();
    const node = cluster.brokerPool.metadata?.brokers.find((one) => one.nodeId === nodeId);
    if (!node) throw new Error(`Expected a connection to broker ${nodeId}, but the cluster does not name it`);
    return this.opened(await Line.open(cluster, node));
  }

  async coordinator(group: string): Promise<Line> {
    const cluster = await this.cluster();
    const { coordinator } = await cluster.findGroupCoordinatorMetadata({ groupId: group });
    return this.opened(await Line.open(cluster, coordinator));
  }

  /** A line for one short use; kept open for the next one unless `use` rejects. */
  async borrow<T>(topic: Topic, partition: number, use: (line: Line) => Promise<T>): Promise<T> {
    const nodeId = await this.leader(topic, partition);
    const at = this.idle.findIndex((one) => one.nodeId === nodeId);
    const line = at >= 0 ? (this.idle.splice(at, 1)[0] as Line) : await this.line(nodeId);
    try {
      const result = await use(line);
      if (this.idle.length < 4 && !this.closed.aborted) this.idle.push(line);
      else line.close();
      return result;
    } catch (error) {
      line.close();
      throw error;
    }
  }

  /** `work` until it succeeds, learning the cluster anew after each failure. */
  retrying<T>(what: string, work: () => Promise<T>, signal?: AbortSignal, withinMs?: number): Promise<T> {
    return retrying(work, {
      signal: signal ? AbortSignal.any([signal, this.closed]) : this.closed,
      withinMs,
      report: (error) => {
        this.forget();
        this.report(what, error);
      },
    });
  }

  /** Says once in a while that Kafka does not answer. */
  report(what: string, error: unknown): void {
    if (Date.now() - this.reportedAt < 2_000 || this.closed.aborted) return;
    this.reportedAt = Date.now();
    this.options.diagnostics.warn({ err: error, what }, 'Kafka does not do as asked; trying again');
  }

  close(): void {
    this.ending.abort();
    this.drop();
  }

  private drop(): void {
    const known = this.known;
    this.known = undefined;
    void known?.then(disconnect, () => undefined);
    for (const line of this.idle.splice(0)) line.close();
  }

  private opened(line: Line): Line {
    if (!this.closed.aborted) return line;
    line.close();
    throw new Error('Expected a connection to Kafka, but this log is stopped');
  }

  private cluster(): Promise<Cluster> {
    if (this.closed.aborted) return Promise.reject(new Error('Expected an answer of Kafka, but this log is stopped'));
    const known = (this.known ??= this.connect().catch((error: unknown) => {
      if (this.known === known) this.known = undefined;
      throw error;
    }));
    return known;
  }

  private async connect(): Promise<Cluster> {
    const cluster = new Cluster({
      brokers: [...this.options.brokers],
      clientId: this.options.clientId,
      logger: noLogger,
      socketFactory: this.options.socketFactory ?? socketFactory(),
      connectionTimeout: 3_000,
      requestTimeout: requestTimeoutMs,
      enforceRequestTimeout: true,
      metadataMaxAge: 300_000,
      allowAutoTopicCreation: false,
      retry: { retries: this.options.brokers.length, initialRetryTime: 20, maxRetryTime: 200 },
    });
    const { connectionPoolBuilder } = cluster;
    const build = connectionPoolBuilder.build;
    connectionPoolBuilder.build = async (destination) => {
      const pool = await build(destination);
      tame(pool);
      return pool;
    };
    try {
      await cluster.connect();
      if (this.topics.length > 0) await cluster.addMultipleTargetTopics([...this.topics]);
      else await cluster.refreshMetadata();
      this.learntAt = Date.now();
      return cluster;
    } catch (error) {
      disconnect(cluster);
      throw error;
    }
  }
}

const disconnect = ({ brokerPool }: Cluster): void => {
  for (const broker of [brokerPool.seedBroker, ...Object.values(brokerPool.brokers)]) if (broker) cut(broker.connectionPool);
};

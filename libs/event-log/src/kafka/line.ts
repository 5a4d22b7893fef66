import Broker from 'kafkajs/src/broker/index.js';
import type Cluster from 'kafkajs/src/cluster/index.js';
import type { Connection, ConnectionPool } from 'kafkajs/src/cluster/index.js';
import type { Topic } from '../topics.js';
import { type Fetched, fetchOne, type Part, produceRequest } from './requests.js';

/** Longer than this and the outcome of a request counts as unknown, ms. */
export const requestTimeoutMs = 4_000;
const readUncommitted = 0;

/** Kafkajs wants a logger; what matters is thrown, and reported by whoever catches it. */
export const noLogger: object = { namespace: () => noLogger, error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined };

/** Ends connections at once; their requests reject. */
export const cut = ({ pool }: ConnectionPool): void => {
  const closed = new Error('the connection was closed by this side');
  for (const { requestQueue, socket } of new Set(pool)) {
    requestQueue.rejectAll(closed);
    requestQueue.destroy();
    socket?.destroy(closed);
  }
};

/** Kafkajs sets a timer in the past after every answer, which Node warns of; it is only of use while requests wait to be sent. */
export const tame = ({ pool }: ConnectionPool): void => {
  for (const { requestQueue } of pool) {
    const schedule = requestQueue.scheduleCheckPendingRequests;
    requestQueue.scheduleCheckPendingRequests = () => {
      if (requestQueue.pending.length > 0 || requestQueue.throttledUntil > Date.now()) schedule.call(requestQueue);
    };
  }
};

/** One connection to one broker. Kafka answers the requests of a connection in order, so whoever waits long has a line of its own. */
export class Line {
  private constructor(
    readonly broker: Broker,
    readonly nodeId: number,
  ) {}

  static async open(cluster: Cluster, node: { readonly nodeId: number; readonly host: string; readonly port: number }): Promise<Line> {
    const pool = await cluster.connectionPoolBuilder.build({ host: node.host, port: node.port });
    const [connection] = pool.pool as [Connection];
    pool.pool = [connection, connection];
    const broker = new Broker({ connectionPool: pool, logger: noLogger, nodeId: node.nodeId, versions: cluster.brokerPool.versions, allowAutoTopicCreation: false });
    try {
      await broker.connect();
    } catch (error) {
      cut(pool);
      throw error;
    }
    return new Line(broker, node.nodeId);
  }

  close(): void {
    cut(this.broker.connectionPool);
  }

  /** Base offsets in the order of `parts`; each part is one record batch. */
  async produce(parts: readonly Part[]): Promise<number[]> {
    const { topics } = await this.broker.connectionPool.send(produceRequest(parts, requestTimeoutMs));
    const bases = new Map(topics.flatMap(({ topicName, partitions }) => partitions.map(({ partition, baseOffset }) => [`${topicName}/${partition}`, Number(baseOffset)])));
    return parts.map(({ topic, partition }) => bases.get(`${topic}/${partition}`) ?? Number.NaN);
  }

  /** Waits up to `waitMs` for a first record. Records before `from` (a batch comes as a whole) are left out. */
  async fetch(topic: Topic, partition: number, from: number, maxBytes: number, waitMs: number): Promise<Fetched> {
    const deadline = setTimeout(() => this.close(), waitMs + requestTimeoutMs);
    try {
      return await this.broker.connectionPool.send(fetchOne(topic, partition, from, maxBytes, waitMs));
    } finally {
      clearTimeout(deadline);
    }
  }

  async offsets(wanted: readonly { readonly topic: Topic; readonly partition: number }[], which: 'begin' | 'end'): Promise<number[]> {
    const timestamp = which === 'begin' ? -2 : -1;
    const topics = byTopic(wanted.map(({ topic, partition }) => ({ topic, partitions: [{ partition, timestamp }] })));
    const { responses } = await this.broker.listOffsets({ replicaId: -1, isolationLevel: readUncommitted, topics });
    const found = new Map(responses.flatMap(({ topic, partitions }) => partitions.map(({ partition, offset }) => [`${topic}/${partition}`, Number(offset)])));
    return wanted.map(({ topic, partition }) => found.get(`${topic}/${partition}`) as number);
  }
}

const byTopic = <P>(parts: readonly { readonly topic: string; readonly partitions: readonly P[] }[]): { topic: string; partitions: P[] }[] => {
  const topics = new Map<string, P[]>();
  for (const { topic, partitions } of parts) topics.set(topic, [...(topics.get(topic) ?? []), ...partitions]);
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }));
};

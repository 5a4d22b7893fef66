import Broker from 'kafkajs/src/broker/index.js';
import type Cluster from 'kafkajs/src/cluster/index.js';
import type { Connection, ConnectionPool } from 'kafkajs/src/cluster/index.js';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import { Frame } from './frame.js';
import { type FetchAnswer, type FetchAsk, fetchRequest, type Part, type Place, produceRequest, type Request, slotOf } from './requests.js';

/** Longer than this and the outcome of a request counts as unknown, ms. */
export const requestTimeoutMs = 4_000;
/** So much later it may be noticed. */
const lateCheckMs = 500;
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

/**
 * Kafkajs sets a timer in the past after every answer, which Node warns of; it is only of use while requests wait to be sent. And it looks for
 * requests that take too long ten times a second on each connection, which is most of what an idle process does.
 */
export const tame = ({ pool }: ConnectionPool): void => {
  for (const { requestQueue } of pool) {
    requestQueue.scheduleRequestTimeoutCheck = () => {
      requestQueue.destroy();
      requestQueue.requestTimeoutIntervalId = setInterval(() => {
        const now = Date.now();
        for (const request of requestQueue.inflight.values()) if (now - request.sentAt > request.requestTimeout) request.timeoutRequest();
        if (!requestQueue.isConnected()) requestQueue.destroy();
      }, lateCheckMs);
    };
    const schedule = requestQueue.scheduleCheckPendingRequests;
    requestQueue.scheduleCheckPendingRequests = () => {
      if (requestQueue.pending.length > 0 || requestQueue.throttledUntil > Date.now()) schedule.call(requestQueue);
    };
  }
};

/** One connection to one broker. Kafka answers the requests of a connection one after the other, so whoever waits long has a line of its own. */
export class Line {
  private constructor(
    readonly broker: Broker,
    readonly nodeId: number,
    private readonly connection: Connection,
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
    return new Line(broker, node.nodeId, connection);
  }

  close(): void {
    cut(this.broker.connectionPool);
  }

  /** In the order of `parts`: the base offset, or why this one was not written. Rejects when the outcome of all of them is unknown. */
  produce(parts: readonly Part[]): Promise<(number | Error)[]> {
    return this.ask(produceRequest(parts, requestTimeoutMs), requestTimeoutMs);
  }

  /** Waits up to `ask.waitMs` for a first record. Records before the offset asked for (a batch comes as a whole) are left out. */
  fetch(ask: FetchAsk): Promise<FetchAnswer> {
    return this.ask(fetchRequest(ask), ask.waitMs + requestTimeoutMs);
  }

  async offsets(wanted: readonly Place[], which: 'begin' | 'end'): Promise<number[]> {
    const timestamp = which === 'begin' ? -2 : -1;
    const topics = byTopic(wanted.map(({ topic, partition }) => ({ topic, partitions: [{ partition, timestamp }] })));
    const { responses } = await this.broker.listOffsets({ replicaId: -1, isolationLevel: readUncommitted, topics });
    const found = new Map(responses.flatMap(({ topic, partitions }) => partitions.map(({ partition, offset }) => [`${topic}/${partition}`, Number(offset)])));
    return wanted.map((place) => found.get(slotOf(place)) as number);
  }

  /** Past kafkajs' own way of sending, which encodes twice, copies three times and describes each request for a log that nobody keeps. */
  private async ask<Answer>({ apiKey, apiVersion, apiName, body, decode }: Request<Answer>, requestTimeout: number): Promise<Answer> {
    const { connection } = this;
    const correlationId = connection.nextCorrelationId();
    const payload = body.written();
    const head = new Frame(64).int16(apiKey).int16(apiVersion).int32(correlationId).text(connection.clientId).written();
    const length = Buffer.allocUnsafe(4);
    length.writeInt32BE(head.length + payload.length);
    const answer = await new Promise<{ payload: Buffer }>((resolve, reject) => {
      connection.failIfNotConnected();
      connection.requestQueue.push({
        entry: { apiKey, apiVersion, apiName, correlationId, resolve, reject },
        expectResponse: true,
        requestTimeout,
        sendRequest: () => void connection.socket?.write(Buffer.concat([length, head, payload])),
      });
    });
    return decode(new Decoder(answer.payload));
  }
}

const byTopic = <P>(parts: readonly { readonly topic: string; readonly partitions: readonly P[] }[]): { topic: string; partitions: P[] }[] => {
  const topics = new Map<string, P[]>();
  for (const { topic, partitions } of parts) topics.set(topic, [...(topics.get(topic) ?? []), ...partitions]);
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }));
};

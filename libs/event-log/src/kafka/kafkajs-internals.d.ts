/**
 * The parts of kafkajs 2.2.4 below its clients: connections, protocol, metadata. The version is pinned, so they don't move.
 * Its consumer can't read a partition without a group, can't be told when it loses one, and heartbeats only when a handler asks for it.
 */
declare module 'kafkajs/src/cluster/index.js' {
  export interface ConnectionPool {
    pool: Connection[];
    send<T>(request: ProtocolRequest<T>): Promise<T>;
  }
  export interface Connection {
    socket?: import('node:net').Socket;
    clientId: string;
    nextCorrelationId(): number;
    failIfNotConnected(): void;
    requestQueue: {
      push(request: {
        entry: { apiKey: number; apiVersion: number; apiName: string; correlationId: number; resolve(answer: { payload: Buffer }): void; reject(error: Error): void };
        expectResponse: boolean;
        requestTimeout: number;
        sendRequest(): void;
      }): void;
      pending: unknown[];
      inflight: Map<number, { sentAt: number; requestTimeout: number; timeoutRequest(): void }>;
      requestTimeoutIntervalId: NodeJS.Timeout;
      isConnected(): boolean;
      scheduleRequestTimeoutCheck(): void;
      throttledUntil: number;
      scheduleCheckPendingRequests(): void;
      rejectAll(error: Error): void;
      destroy(): void;
    };
  }
  export interface ProtocolRequest<T> {
    request: { apiKey: number; apiVersion: number; apiName: string; encode(): Promise<unknown> };
    response: { decode(raw: Buffer): Promise<T>; parse(decoded: T): Promise<T> };
  }
  export interface PartitionMetadata {
    partitionId: number;
    leader: number;
    partitionErrorCode: number;
  }
  export interface Metadata {
    brokers: { nodeId: number; host: string; port: number }[];
    topicMetadata: { topic: string; topicErrorCode: number; partitionMetadata: PartitionMetadata[] }[];
  }
  export default class Cluster {
    constructor(options: object);
    connectionPoolBuilder: { build(destination?: { host: string; port: number }): Promise<ConnectionPool> };
    brokerPool: {
      metadata: Metadata | null;
      versions: object | null;
      seedBroker?: { connectionPool: ConnectionPool };
      brokers: Record<string, { connectionPool: ConnectionPool }>;
    };
    connect(): Promise<void>;
    addMultipleTargetTopics(topics: string[]): Promise<void>;
    refreshMetadata(): Promise<void>;
    findGroupCoordinatorMetadata(of: { groupId: string }): Promise<{ coordinator: { nodeId: number; host: string; port: number } }>;
  }
}

declare module 'kafkajs/src/broker/index.js' {
  import type { ConnectionPool, Metadata } from 'kafkajs/src/cluster/index.js';
  import type { Joined, JoinRequest } from 'kafkajs/src/protocol/requests/joinGroup/index.js';

  interface PerTopic<P> {
    topic: string;
    partitions: P[];
  }
  export default class Broker {
    constructor(options: { connectionPool: ConnectionPool; logger: object; nodeId: number; versions: object | null; allowAutoTopicCreation: boolean });
    connectionPool: ConnectionPool;
    connect(): Promise<void>;
    metadata(topics: string[]): Promise<Metadata>;
    listOffsets(request: { replicaId: number; isolationLevel: number; topics: PerTopic<{ partition: number; timestamp: number }>[] }): Promise<{
      responses: PerTopic<{ partition: number; offset: string }>[];
    }>;
    createTopics(request: {
      topics: { topic: string; numPartitions: number; replicationFactor: number; configEntries: { name: string; value: string }[] }[];
      timeout: number;
    }): Promise<unknown>;
    deleteTopics(request: { topics: string[]; timeout: number }): Promise<unknown>;
    joinGroup(request: JoinRequest): Promise<Joined>;
    syncGroup(request: {
      groupId: string;
      generationId: number;
      memberId: string;
      groupAssignment: { memberId: string; memberAssignment: Buffer }[];
    }): Promise<{ memberAssignment: Buffer }>;
    heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>;
    leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>;
    offsetCommit(request: { groupId: string; groupGenerationId: number; memberId: string; topics: PerTopic<{ partition: number; offset: string }>[] }): Promise<unknown>;
    offsetFetch(request: { groupId: string; topics: PerTopic<{ partition: number }>[] }): Promise<{ responses: PerTopic<{ partition: number; offset: string }>[] }>;
  }
}

declare module 'kafkajs/src/protocol/requests/joinGroup/index.js' {
  import type { ProtocolRequest } from 'kafkajs/src/cluster/index.js';

  export interface JoinRequest {
    groupId: string;
    sessionTimeout: number;
    rebalanceTimeout: number;
    memberId: string;
    groupProtocols: { name: string; metadata: Buffer }[];
  }
  export interface Joined {
    generationId: number;
    leaderId: string;
    memberId: string;
    members: { memberId: string; memberMetadata: Buffer }[];
  }
  const joinGroup: { protocol(of: { version: 5 }): (request: JoinRequest & { groupInstanceId: string; protocolType: 'consumer' }) => ProtocolRequest<Joined> };
  export default joinGroup;
}

declare module 'kafkajs/src/network/socketFactory.js' {
  export default function socketFactory(): unknown;
}

declare module 'kafkajs/src/protocol/encoder.js' {
  export default class Encoder {
    writeInt8(value: number): this;
    writeInt16(value: number): this;
    writeInt32(value: number): this;
    writeBoolean(value: boolean): this;
    writeBufferInternal(value: Buffer): this;
    writeUVarInt(value: number): this;
    writeUVarIntString(value: string): this;
    writeString(value: string): this;
    writeBytes(value: Buffer): this;
  }
}

declare module 'kafkajs/src/protocol/decoder.js' {
  export default class Decoder {
    constructor(buffer: Buffer);
    readInt8(): number;
    readInt16(): number;
    readInt32(): number;
    readUVarInt(): number;
    readUVarIntString(): string | null;
    readInt64(): bigint;
    readString(): string | null;
    readBytes(length: number): Buffer;
    readBytes(): Buffer | null;
    forward(bytes: number): void;
  }
}

declare module 'kafkajs/src/protocol/error.js' {
  export function createErrorFromCode(code: number): Error;
}

declare module 'kafkajs/src/protocol/recordBatch/crc32C/index.js' {
  export default function crc32C(bytes: Buffer): number;
}

declare module 'kafkajs/src/protocol/recordBatch/v0/decoder.js' {
  import type Decoder from 'kafkajs/src/protocol/decoder.js';
  export default function decode(decoder: Decoder): Promise<{
    records: { key: Buffer | null; value: Buffer | null; offset: string; timestamp: string; headers: Record<string, Buffer> }[];
  }>;
}

import joinGroup, { type Joined, type JoinRequest } from 'kafkajs/src/protocol/requests/joinGroup/index.js';
import type { Line } from './line.js';

/** Joins under a name that outlives the process (KIP-345), which kafkajs can encode but not ask for. */
export const joinAs = (line: Line, instance: string, request: JoinRequest): Promise<Joined> =>
  line.broker.connectionPool.send(joinGroup.protocol({ version: 5 })({ ...request, groupInstanceId: instance, protocolType: 'consumer' }));

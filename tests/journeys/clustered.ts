import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { caller, type Running } from './standalone.js';

/** One process of the cluster. */
export interface Member {
  readonly name: string;
  readonly service: string;
  readonly pid: number;
  readonly healthPort: number;
  readonly runs: boolean;
  kill(signal: NodeJS.Signals): boolean;
  /** Starts it anew once it has ended. */
  restart(): Promise<void>;
  ready(): Promise<void>;
  /** In order; resolves with the exit code. */
  stop(): Promise<number | string>;
}

interface Started {
  readonly members: readonly Member[];
  readonly gateways: readonly [string, string];
  readonly adminKey: string;
  /** As in KAFKA_BROKERS. */
  readonly brokers: string;
  member(name: string): Member;
  crashKafka(): Promise<{ back(): Promise<void> }>;
  stop(): Promise<void>;
}

/** What a client needs of one gateway. */
export type Gateway = Pick<Running, 'url' | 'key' | 'call'>;

/** A cluster with a client for each of its two gateways. */
export interface Cluster extends Started {
  readonly one: Gateway;
  readonly other: Gateway;
  /** Stops everything and removes its folder. */
  discard(): Promise<void>;
}

/** As `npm run cluster` does it, on free ports and in a folder of its own, with two of each service and 4 partitions. `counts`: how many of a service, where that is not as usual. */
export const startTestCluster = async (env: Record<string, string> = {}, counts: Record<string, number> = {}): Promise<Cluster> => {
  const { startCluster } = (await import(pathToFileURL(resolve('deploy/local/cluster.mjs')).href)) as { startCluster(options: object): Promise<Started> };
  const home = await mkdtemp(join(tmpdir(), 'runlog-cluster-'));
  const started = await startCluster({ home, processes: 2, env: { RUNLOG_PARTITIONS: '4', ...env }, counts });
  const [first, second] = started.gateways;
  const gateway = (url: string): Gateway => ({ url, key: started.adminKey, call: caller(url, started.adminKey) });
  return {
    ...started,
    one: gateway(first),
    other: gateway(second),
    discard: async () => {
      await started.stop();
      await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
};

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A real Kafka broker for one spec file, gone with it. */
export interface TestBroker {
  readonly brokers: readonly string[];
  /** SIGKILL, and a start on the same ports with the same data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** As `deploy/local/kafka.mjs` says. */
interface RunningKafka {
  readonly brokers: string[];
  readonly port: number;
  readonly controllerPort: number;
  stop(): Promise<void>;
  kill(): Promise<void>;
}
type StartKafka = (options: { dataDir: string; port?: number; controllerPort?: number; heap?: string }) => Promise<RunningKafka>;

/** The starter is plain JavaScript outside of the packages, so that the local cluster needs no build. */
const loadStarter = async (): Promise<StartKafka> => {
  const path = resolve(import.meta.dirname, '../../../deploy/local/kafka.mjs');
  const { startKafka } = (await import(pathToFileURL(path).href)) as { startKafka: StartKafka };
  return startKafka;
};

/** Starts a broker on free ports with a data folder of its own. Needs Java 17 and, the first time, Maven. */
export const startTestBroker = async (): Promise<TestBroker> => {
  const startKafka = await loadStarter();
  const dataDir = await mkdtemp(join(tmpdir(), 'runlog-kafka-'));
  let kafka = await startKafka({ dataDir, heap: '384m' });
  const { port, controllerPort } = kafka;
  return {
    brokers: kafka.brokers,
    restart: async () => {
      await kafka.kill();
      kafka = await startKafka({ dataDir, port, controllerPort, heap: '384m' });
    },
    stop: async () => {
      await kafka.kill();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
};

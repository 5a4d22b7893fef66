import { startTestBroker, type TestBroker } from '@runlog/testing';
import { silent } from '../diagnostics.js';
import type { EventLog, NewRecord } from '../port.js';
import type { LogHarness } from '../testing/contract-harness.js';
import { eventLogContract } from '../testing/contract-suite.js';
import { createKafkaLog } from './kafka-log.js';
import { Wire } from './wire.js';

/** A broker of its own, killed and restarted by the suite. With KAFKA_BROKERS that cluster is used, and not restarted. */
const makeHarness = async (): Promise<LogHarness> => {
  const given = process.env.KAFKA_BROKERS?.split(',');
  const broker: TestBroker | undefined = given ? undefined : await startTestBroker();
  const brokers = given ?? (broker as TestBroker).brokers;
  const logs: EventLog[] = [];
  return {
    open: async () => {
      const log = createKafkaLog({ brokers, clientId: 'contract' });
      logs.push(log);
      await log.start();
      return log;
    },
    restart: async () => broker?.restart(),
    delayedAppend: (partition, _claim, records) => appendRaw(brokers, partition, records),
    close: async () => {
      await Promise.all(logs.map((log) => log.stop()));
      await broker?.stop();
    },
  };
};

/** The request that an owner's append is, reaching the broker late and on another connection. */
const appendRaw = async (brokers: readonly string[], partition: number, records: readonly NewRecord[]): Promise<void> => {
  const wire = new Wire({ brokers, clientId: 'late', diagnostics: silent });
  wire.watch(['execution-events']);
  const line = await wire.lineToLeader('execution-events', partition);
  await line.produce([{ topic: 'execution-events', partition, records, bytes: 1_000_000 }]);
  line.close();
  wire.close();
};

eventLogContract('kafka', makeHarness);

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { EventLog } from '../port.js';
import { claimContract } from './contract-claims.js';
import { faultContract } from './contract-faults.js';
import type { LogHarness } from './contract-harness.js';
import { readingContract } from './contract-reading.js';

/** What every adapter promises, tried against its real server. Prints the server's name and version as the server reports them. */
export const eventLogContract = (name: string, makeHarness: () => Promise<LogHarness>): void => {
  describe(`event log contract: ${name}`, () => {
    let harness: LogHarness;
    let log: EventLog;
    jest.setTimeout(120_000);

    beforeAll(async () => {
      harness = await makeHarness();
      log = await harness.open();
    });

    afterAll(async () => {
      await harness?.close();
    });

    it('runs against a real server, which says what it is', async () => {
      const version = await log.serverVersion();
      process.stdout.write(`event log contract: adapter '${log.adapter}' on ${version}\n`);
      expect(version).toMatch(/^(PostgreSQL|Apache Kafka) \d+\.\d+/);
    });

    readingContract(
      () => harness,
      () => log,
    );
    claimContract(
      () => harness,
      () => log,
    );
    faultContract(
      () => harness,
      () => log,
    );
  });
};

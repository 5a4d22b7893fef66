// The product's own check that rows are the fold of the log, on the cluster's database and broker.

import { verifyReadModel } from '../../apps/queries/dist/index.js';
import { openKafkaLog } from '../../libs/event-log/dist/index.js';
import { Catalog, createDatabase } from '../../libs/read-model/dist/index.js';

/** Executions whose rows differ from their events: `[{ executionId, because }]`. */
export async function driftOf({ brokers, databaseUrl }) {
  const database = await createDatabase({ url: databaseUrl, poolSize: 2, applicationName: 'storm' });
  const log = await openKafkaLog({ brokers: brokers.split(','), clientId: 'storm' });
  try {
    await log.start();
    return (await verifyReadModel({ log, database, catalog: new Catalog(database) })).drift;
  } finally {
    await log.stop();
    await database.close();
  }
}

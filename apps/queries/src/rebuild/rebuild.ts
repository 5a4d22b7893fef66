import { setTimeout as delay } from 'node:timers/promises';
import { type EventLog, type Position, ProgressMismatch } from '@runlog/event-log';
import type { Logger } from '@runlog/platform';
import { type Catalog, type Database, openBeside } from '@runlog/read-model';
import { namesFrom } from '../projection/names.js';
import { storedPositions } from '../projection/position-store.js';
import { BESIDE, dropBeside, finishBeside, layOutBeside } from './beside.js';
import { PartitionBuild } from './partition-build.js';
import { type Swapped, swap } from './swap.js';

/** How far a rebuild has come. Each step is told when it begins, `fold` after each batch too. */
export interface RebuildProgress {
  readonly step: 'lay out' | 'fold' | 'index' | 'level' | 'swap' | 'wait for readers' | 'commit' | 'drop';
  /** Records of the log folded so far. */
  readonly folded: number;
  /** Records there were when it began. */
  readonly of: number;
}

export interface RebuildOptions {
  readonly database: Database;
  /** Of the same database. */
  readonly databaseUrl: string;
  readonly log: EventLog;
  readonly catalog: Catalog;
  readonly logger: Logger;
  /** May throw: the rebuild ends there, and the live tables are as they were. */
  readonly onProgress?: (progress: RebuildProgress) => void;
}

export interface Rebuilt extends Swapped {
  readonly records: number;
  readonly ms: number;
}

/** Any number that all rebuilds agree on. */
const REBUILD_LOCK = 7_095_114_104;
/** So few records left to fold are folded while the live projection waits. */
const NEARLY_LEVEL = 1_000;
const ENDS_AGREE_WITHIN_MS = 2_000;

/**
 * Builds the rows of the projection of events anew beside the live ones, from the log's beginning, and swaps them while reads and writes go
 * on. Until the swap commits nothing of the live rows changes; whatever an earlier rebuild left is dropped first. What is folded from frames
 * (log lines, late reports) stays as it is: frames expire.
 */
export const rebuildExecutions = async (options: RebuildOptions): Promise<Rebuilt> => {
  const partitions = options.log.partitions('execution-events');
  const beside = await openBeside({ url: options.databaseUrl, schema: BESIDE, poolSize: Math.min(partitions, 4) + 1, applicationName: 'runlog rebuild' });
  try {
    return await alone(options.database, () => rebuild(options, beside, partitions));
  } finally {
    await beside.close();
  }
};

const rebuild = async ({ database, log, catalog, logger, onProgress }: RebuildOptions, beside: Database, partitions: number): Promise<Rebuilt> => {
  const begun = performance.now();
  let [folded, of] = [0, 0];
  const tell = (step: RebuildProgress['step']): void => onProgress?.({ step, folded, of });
  const count = (records: number): void => {
    folded += records;
    tell('fold');
  };

  tell('lay out');
  const indexes = await layOutBeside(beside);
  const namesOf = namesFrom(catalog);
  const builds = await Promise.all(Array.from({ length: partitions }, (_, partition) => PartitionBuild.begin(beside, log, logger, namesOf, partition)));
  const level = async (): Promise<void> => void (await Promise.all(builds.map((build) => build.toEnd(count))));
  of = await lengthOf(log, builds);
  tell('fold');
  await level();
  tell('index');
  await finishBeside(beside, indexes);
  tell('level');
  for (let before = -1; folded - before > NEARLY_LEVEL; ) {
    before = folded;
    await level();
  }
  tell('swap');
  const levelWithLive = async (): Promise<void> => {
    const live = (await storedPositions(database, 'executions')).filter(({ partition, topicId }) => builds[partition]?.topicId === topicId);
    // A broker may be asked for its end a moment before it shows what the live projection has been given.
    for (const deadline = performance.now() + ENDS_AGREE_WITHIN_MS; ; await delay(20)) {
      await level();
      const late = live.find(({ partition, offset }) => (builds[partition]?.offset ?? 0) < offset);
      if (!late) return;
      if (performance.now() > deadline) throw shorterLog(late, builds[late.partition]?.offset ?? 0);
    }
  };
  const swapped = await swap(
    database,
    levelWithLive,
    () => tell('wait for readers'),
    () => tell('commit'),
  );
  tell('drop');
  await dropBeside(database);
  return { ...swapped, records: folded, ms: performance.now() - begun };
};

const shorterLog = ({ partition, offset }: Position, end: number): ProgressMismatch =>
  new ProgressMismatch(
    `Expected 'execution-events/${partition}' to reach offset ${offset}, as the live read models did, but it ends at ${end}. The log was restored from an older copy: restore the newer log, or delete the rows of projection 'executions' in projection_progress and rebuild again.`,
  );

const lengthOf = async (log: EventLog, builds: readonly PartitionBuild[]): Promise<number> => {
  const left = await Promise.all(builds.map(async ({ partition, offset }) => (await log.end('execution-events', partition)) - offset));
  return left.reduce((sum, records) => sum + records, 0);
};

/** Holds the lock of rebuilds on a connection of its own: it goes with the process, however that ends. */
const alone = async <Result>(database: Database, work: () => Promise<Result>): Promise<Result> => {
  const client = await database.pool.connect();
  try {
    const { rows } = await client.query('select pg_try_advisory_lock($1) as held', [REBUILD_LOCK]);
    if (!rows[0]?.held) throw new Error('Expected to be the only rebuild, but another one is at work; wait until it ends');
    return await work();
  } finally {
    client.release(true);
  }
};

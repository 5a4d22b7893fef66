import type { ArtifactStore, StoredArtifact } from '@runlog/artifacts';
import type { EventLog, Topic } from '@runlog/event-log';
import type { Sql } from '@runlog/read-model';

export interface CollectOptions {
  readonly sql: Sql;
  readonly log: Pick<EventLog, 'begin' | 'end' | 'read' | 'partitions'>;
  readonly artifacts: ArtifactStore;
  /** What was stored within this time is left alone: an event that refers to it may be on its way. */
  readonly graceMs: number;
  readonly now: number;
}

export interface Collected {
  readonly removed: number;
  /** Stored long ago, and referred to. */
  readonly kept: number;
  /** Why nothing was looked at, if so. */
  readonly skipped?: string;
}

const AT_ONCE = 500;
/** With more than this on the log that is not in the read models yet, it is not the time to collect. */
const MOST_BEHIND = 500_000;

/**
 * Removes stored bodies that no event refers to and that none will: they are older than the grace, the read model knows no event that
 * names them, and neither does any event or command on the log that is not folded or decided yet. What the history names stays for ever,
 * because any execution may be replayed.
 */
export const collect = async ({ sql, log, artifacts, graceMs, now }: CollectOptions): Promise<Collected> => {
  const nothing = (skipped: string): Collected => ({ removed: 0, kept: 0, skipped });
  const quarantined = await sql.query("select execution_id from projection_quarantine where projection = 'executions' limit 1", [], 'collect-quarantine');
  if (quarantined.length > 0) return nothing('an execution is in quarantine: what it refers to is not known');
  let pending: ReadonlySet<string> | undefined;
  let removed = 0;
  let kept = 0;
  for await (const some of batches(artifacts.storedBefore(now - graceMs))) {
    // After the list, so that what was referred to meanwhile is seen here or there.
    pending ??= await pendingDigests(sql, log);
    if (pending === undefined) return nothing('too much on the log is not in the read models yet');
    const known = await referred(sql, some);
    for (const artifact of some) {
      if (pending.has(artifact.digest) || known.has(keyOf(artifact))) kept++;
      else if (await artifacts.remove(artifact)) removed++;
    }
  }
  return { removed, kept };
};

const keyOf = ({ workspaceId, digest }: Pick<StoredArtifact, 'workspaceId' | 'digest'>): string => `${workspaceId}/${digest}`;

const referred = async (sql: Sql, some: readonly StoredArtifact[]): Promise<Set<string>> => {
  const rows = await sql.query<{ workspace_id: string; digest: string }>(
    `select distinct b.workspace_id, b.digest from unnest($1::text[], $2::text[]) as w (workspace_id, digest)
     join body_references b on b.workspace_id::text = w.workspace_id and b.digest = w.digest
     union select workspace_id, response -> 'body_ref' ->> 'digest' from idempotency_keys 
       where response -> 'body_ref' ->> 'digest' = any($2) and response -> 'body_ref' ->> 'digest' is not null`,
    [some.map(({ workspaceId }) => workspaceId), some.map(({ digest }) => digest)],
    'collect-referred',
  );
  return new Set(rows.map(({ workspace_id, digest }) => keyOf({ workspaceId: workspace_id, digest })));
};

/** Every digest in an event that is not folded yet or a command that is not decided yet; undefined: there are too many of them. */
const pendingDigests = async (sql: Sql, log: CollectOptions['log']): Promise<Set<string> | undefined> => {
  const folded = await sql.query<Standing>(`select partition, "offset" from projection_progress where projection = 'executions'`, [], 'collect-folded');
  const decided = await sql.query<Standing>('select partition, next_command as "offset" from engine_partitions', [], 'collect-decided');
  const digests = new Set<string>();
  // Commands first: what is decided while they are read is among the events.
  for (const [topic, standings] of [['execution-commands', decided] as const, ['execution-events', folded] as const]) {
    const from = new Map(standings.map(({ partition, offset }) => [partition, offset]));
    for (let partition = 0; partition < log.partitions(topic); partition++) if (!(await gather(log, topic, partition, from.get(partition) ?? 0, digests))) return undefined;
  }
  return digests;
};

interface Standing {
  readonly partition: number;
  readonly offset: number;
}

const gather = async (log: CollectOptions['log'], topic: Topic, partition: number, offset: number, digests: Set<string>): Promise<boolean> => {
  const begin = Math.max(offset, await log.begin(topic, partition));
  const end = await log.end(topic, partition);
  if (end - begin > MOST_BEHIND) return false;
  if (end <= begin) return true;
  for await (const records of log.read(topic, partition, begin, end))
    for (const { value } of records) for (const [digest] of value.toString('latin1').matchAll(/sha256:[0-9a-f]{64}/g)) digests.add(digest);
  return true;
};

const batches = async function* (artifacts: AsyncIterable<StoredArtifact>): AsyncGenerator<StoredArtifact[]> {
  let some: StoredArtifact[] = [];
  for await (const artifact of artifacts) {
    some.push(artifact);
    if (some.length < AT_ONCE) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
};

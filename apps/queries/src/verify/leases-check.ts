import { AcceptedEvents, type EventLog } from '@runlog/event-log';
import { foldStanding, type QueueStanding } from '@runlog/execution';
import type { Sql } from '@runlog/read-model';
import type { Drift } from './drift.js';

interface Member {
  readonly execution_id: string;
  readonly workspace_id: string;
  readonly queue: string;
  readonly key: string;
  readonly ticket: number;
  /** Only of leases. */
  readonly confirmed?: boolean;
}

interface Sums {
  readonly workspace_id: string;
  readonly name: string;
  /** null: of the queue as a whole. */
  readonly key: string | null;
  readonly held: number;
  readonly waiting: number;
}

/** What the scheduler has written, all of it from one instant. */
interface Written {
  readonly progress: readonly { readonly partition: number; readonly next_offset: number }[] | null;
  readonly leases: readonly Member[] | null;
  readonly waiting: readonly Member[] | null;
  readonly sums: readonly Sums[] | null;
}

const TOPIC = 'execution-events';

/**
 * Leases are the fold of the log: whoever is admitted holds one, whoever waits stands in line or was just granted one, nobody else has either,
 * and the sums of the queues are theirs. Read up to where the scheduler stood, so that it may run on a live system.
 */
export const verifyLeases = async (log: EventLog, database: Sql, workspaceId?: string): Promise<Drift[]> => {
  const [written] = await database.query<Written>(
    `select (select json_agg(p) from (select partition, next_offset from scheduler_progress) p) as progress,
       (select json_agg(l) from (select execution_id, workspace_id, queue, key, ticket, confirmed from scheduler_leases) l) as leases,
       (select json_agg(w) from (select execution_id, workspace_id, queue, key, ticket from scheduler_waiting) w) as waiting,
       (select json_agg(s) from (
         select workspace_id, name, null as key, held, waiting from scheduler_queues union all select workspace_id, queue, key, held, waiting from scheduler_queue_keys
       ) s) as sums`,
  );
  if (!written?.progress) return [];
  const standings = new Map<string, QueueStanding>();
  for (const { partition, next_offset } of written.progress) await foldQueues(log, partition, next_offset, standings);
  const isAsked = (one: { readonly workspace_id: string }): boolean => workspaceId === undefined || one.workspace_id === workspaceId;
  const leases = (written.leases ?? []).filter(isAsked);
  const waiting = (written.waiting ?? []).filter(isAsked);
  const members = membersDrift(standings, leases, waiting, workspaceId);
  return [...members, ...sumsDrift((written.sums ?? []).filter(isAsked), leases, waiting)];
};

const foldQueues = async (log: EventLog, partition: number, end: number, standings: Map<string, QueueStanding>): Promise<void> => {
  const accepting = new AcceptedEvents();
  for await (const records of log.read(TOPIC, partition, await log.begin(TOPIC, partition), end))
    for (const record of records) {
      const event = accepting.accept(record)?.event;
      const standing = event && foldStanding(standings.get(event.executionId) ?? null, event);
      if (!event || !standing) continue;
      if (standing.state === 'gone') standings.delete(event.executionId);
      else standings.set(event.executionId, standing);
    }
};

const membersDrift = (standings: ReadonlyMap<string, QueueStanding>, leases: readonly Member[], waiting: readonly Member[], workspaceId: string | undefined): Drift[] => {
  const leaseOf = new Map(leases.map((lease) => [lease.execution_id, lease]));
  const waitsOf = new Map(waiting.map((one) => [one.execution_id, one]));
  const drift: Drift[] = [];
  for (const { executionId, workspaceId: own, state, ticket, queue } of standings.values()) {
    if (workspaceId !== undefined && own !== workspaceId) continue;
    const [lease, waits] = [leaseOf.get(executionId), waitsOf.get(executionId)];
    const holds = lease?.ticket === ticket && lease.queue === queue;
    const stands = waits?.ticket === ticket && waits.queue === queue;
    const isRight =
      state === 'held'
        ? holds && lease?.confirmed === true && !waits
        : state === 'waiting'
          ? (holds && lease?.confirmed === false && !waits) || (stands && !lease)
          : !lease && !waits;
    if (!isRight)
      drift.push({ executionId, because: `in queue '${queue}' it is ${state} (ticket ${ticket}) by the log, but ${shown('lease', lease)} and ${shown('place', waits)}` });
  }
  for (const { execution_id, queue } of [...leases, ...waiting])
    if (!standings.has(execution_id)) drift.push({ executionId: execution_id, because: `it has a slot or a place in queue '${queue}', but by the log it is not there` });
  return drift;
};

const shown = (what: string, row: Member | undefined): string =>
  row ? `its ${what} has ticket ${row.ticket}${row.confirmed === false ? ', unconfirmed' : ''}` : `it has no ${what}`;

const sumsDrift = (sums: readonly Sums[], leases: readonly Member[], waiting: readonly Member[]): Drift[] => {
  const counted = new Map<string, { held: number; waiting: number }>();
  const count = (rows: readonly Member[], column: 'held' | 'waiting'): void => {
    for (const { workspace_id, queue, key } of rows)
      for (const name of [nameOf(workspace_id, queue, null), nameOf(workspace_id, queue, key)]) {
        const sum = counted.get(name) ?? { held: 0, waiting: 0 };
        counted.set(name, { ...sum, [column]: sum[column] + 1 });
      }
  };
  count(leases, 'held');
  count(waiting, 'waiting');
  const written = new Map(sums.map(({ workspace_id, name, key, held, waiting: queued }) => [nameOf(workspace_id, name, key), { held, waiting: queued }]));
  return [...new Set([...counted.keys(), ...written.keys()])].flatMap((name) => {
    const [rows, sum] = [counted.get(name) ?? { held: 0, waiting: 0 }, written.get(name) ?? { held: 0, waiting: 0 }];
    if (rows.held === sum.held && rows.waiting === sum.waiting) return [];
    return [{ executionId: `sums of ${name}`, because: `${sum.held} are said to hold slots and ${sum.waiting} to wait, but ${rows.held} and ${rows.waiting} do` }];
  });
};

const nameOf = (workspaceId: string, queue: string, key: string | null): string => `queue '${queue}'${key === null ? '' : `, key '${key}'`} of workspace ${workspaceId}`;

import { setTimeout as delay } from 'node:timers/promises';
import type { Diagnostics } from '../diagnostics.js';
import type { Session } from './session.js';

const tickMs = 400;
/** Far below the session's idle time-out; a slow hand-over doesn't keep it waiting. */
const keepAliveMs = 3_000;
const leaveMs = 2_000;
const queryTimeoutMs = 10_000;
/** Object number of the lock that says "a member is here"; partitions are below it. */
const presence = 0x7fffffff;

/** One partition in the hands of one member. */
interface Holding {
  /** Ends it. `lost`: somebody else may hold it already. Resolves when nothing more is done with the partition. */
  end(lost: boolean): Promise<void>;
}

/** Who takes part in a group on this connection. */
export interface Member {
  grant(partition: number): Holding;
}

interface Held {
  member?: Member;
  holding?: Holding;
  /** Until it resolves the partition is nobody's, here. */
  ending?: Promise<void>;
  /** Its lock goes back as soon as it has ended. */
  leaving?: boolean;
}

interface Group {
  readonly name: string;
  readonly lock: number;
  readonly partitions: number;
  readonly members: Member[];
  readonly held: Map<number, Held>;
}

/**
 * Shares the partitions of a group out among processes: whoever holds the session advisory lock of a partition has it. Each process takes
 * its share by its rank among those present; a process that ends, or is silent for the session's idle time-out, loses all of them at once.
 */
export class Membership {
  private readonly groups = new Map<string, Group>();
  private ticking: Promise<void> = Promise.resolve();
  private timers: NodeJS.Timeout[] = [];
  private here = new Set<number>();
  private stopped = false;

  /** Whether other processes use this log. */
  othersPresent = false;

  constructor(
    private readonly session: Session,
    private readonly diagnostics: Diagnostics,
  ) {}

  start(): Promise<void> {
    this.timers = [setInterval(() => void this.tick(), tickMs), setInterval(() => void this.confirm(), keepAliveMs)];
    return this.tick();
  }

  /** Resolves once the first share has been granted; others may have to give theirs up first. */
  async join(name: string, partitions: number, member: Member): Promise<{ leave(): Promise<void> }> {
    let group = this.groups.get(name);
    if (!group) {
      group = { name, lock: lockOf(name), partitions, members: [], held: new Map() };
      this.groups.set(name, group);
    }
    group.members.push(member);
    await this.tick();
    return { leave: () => this.leave(group, member) };
  }

  async stop(): Promise<void> {
    this.stopped = true;
    for (const timer of this.timers) clearInterval(timer);
    await Promise.all([...this.groups.values()].flatMap((group) => [...group.members].map((member) => this.leave(group, member))));
    await this.session.close();
  }

  /** The connection is gone, and with it every lock. */
  lost(): void {
    this.here = new Set();
    for (const group of this.groups.values())
      for (const [partition, held] of group.held) {
        if (held.holding) held.ending = held.holding.end(true);
        held.holding = undefined;
        held.member = undefined;
        const ended = held.ending ?? Promise.resolve();
        void ended.then(() => group.held.get(partition) === held && group.held.delete(partition));
      }
    if (!this.stopped) void this.tick();
  }

  /** Whether the locks still stand, as far as the server answers. */
  async confirm(): Promise<boolean> {
    return (
      this.session.connected &&
      (await this.query('select 1').then(
        () => true,
        () => false,
      ))
    );
  }

  private async leave(group: Group, member: Member): Promise<void> {
    group.members.splice(group.members.indexOf(member), 1);
    const ending = [...group.held].filter(([, held]) => held.member === member).map(([partition]) => this.take(group, partition));
    await Promise.all(ending);
    await atMost(this.tick(), leaveMs);
  }

  private tick(): Promise<void> {
    this.ticking = this.ticking.then(() =>
      this.rebalance().catch((error: unknown) => {
        if (!this.stopped && this.groups.size > 0) this.diagnostics.warn({ err: error }, 'partitions cannot be shared out while the database is away');
      }),
    );
    return this.ticking;
  }

  private async rebalance(): Promise<void> {
    await this.session.ready(() => this.stopped);
    if (!this.session.connected) return;
    await this.announce();
    const ranks = await this.ranks();
    this.othersPresent = (ranks.get(logLock)?.count ?? 1) > 1;
    for (const group of this.groups.values()) await this.share(group, ranks.get(group.lock));
  }

  /** Every process that uses the log is present, and so is every group with a member here. */
  private async announce(): Promise<void> {
    const wanted = new Set([logLock, ...[...this.groups.values()].filter((group) => group.members.length > 0).map((group) => group.lock)]);
    const [joining, leaving] = [[...wanted].filter((lock) => !this.here.has(lock)), [...this.here].filter((lock) => !wanted.has(lock))];
    const here = this.here;
    if (joining.length > 0) await this.query('select pg_advisory_lock_shared(lock, $2) from unnest($1::int[]) as lock', [joining, presence]);
    for (const lock of joining) here.add(lock);
    if (leaving.length > 0) await this.query('select pg_advisory_unlock_shared(lock, $2) from unnest($1::int[]) as lock', [leaving, presence]);
    for (const lock of leaving) here.delete(lock);
  }

  private async ranks(): Promise<Map<number, { count: number; mine: number }>> {
    const rows = await this.query<{ lock: string; count: string; mine: string }>(
      `select l.classid::bigint as lock, count(*) as count, count(*) filter (where l.pid < pg_backend_pid()) as mine from pg_locks l
       where l.locktype = 'advisory' and l.objsubid = 2 and l.objid = $1 and l.granted
         and l.database = (select oid from pg_database where datname = current_database()) group by 1`,
      [presence],
    );
    return new Map(rows.map((row) => [Number(row.lock) | 0, { count: Number(row.count), mine: Number(row.mine) }]));
  }

  private async share(group: Group, rank = { count: 1, mine: 0 }): Promise<void> {
    const quota = group.members.length === 0 ? 0 : Math.floor(group.partitions / rank.count) + (rank.mine < group.partitions % rank.count ? 1 : 0);
    const mine = [...group.held].filter(([, held]) => !held.leaving).map(([partition]) => partition);
    for (const partition of mine.slice(quota)) this.giveBack(group, partition);
    if (mine.length < quota) await this.lock(group, quota - mine.length);
    this.deal(group);
  }

  private async lock(group: Group, wanted: number): Promise<void> {
    const missing = Array.from({ length: group.partitions }, (_, partition) => partition).filter((partition) => !group.held.has(partition));
    const tried = missing.length > wanted ? missing.map((partition) => [partition]) : [missing];
    let got = 0;
    for (const some of tried) {
      if (got >= wanted || some.length === 0) return;
      const rows = await this.query<{ partition: number; got: boolean }>('select p as partition, pg_try_advisory_lock($1, p) as got from unnest($2::int[]) as p', [
        group.lock,
        some,
      ]);
      for (const row of rows)
        if (row.got) {
          group.held.set(row.partition, {});
          got++;
        }
    }
  }

  private giveBack(group: Group, partition: number): void {
    const held = group.held.get(partition) as Held;
    held.leaving = true;
    void this.take(group, partition)
      .then(async () => {
        // After a lost connection the lock went with it, and the entry may be another one already.
        if (group.held.get(partition) !== held) return;
        group.held.delete(partition);
        await this.query('select pg_advisory_unlock($1, $2)', [group.lock, partition]);
      })
      .catch((error: unknown) => this.diagnostics.warn({ err: error, group: group.name, partition }, 'a partition could not be given back'));
  }

  /** What this process holds, evenly to its members of the group. */
  private deal(group: Group): void {
    const kept = [...group.held].filter(([, held]) => !held.leaving);
    const share = Math.ceil(kept.length / group.members.length);
    const loads = new Map(group.members.map((member) => [member, 0]));
    for (const [partition, { member }] of kept) {
      if (!member) continue;
      const load = (loads.get(member) ?? 0) + 1;
      if (load > share) void this.take(group, partition).then(() => this.tick());
      else loads.set(member, load);
    }
    for (const [partition, held] of kept) {
      if (held.member || held.ending) continue;
      const [least] = [...loads].sort((a, b) => a[1] - b[1])[0] ?? [];
      if (!least) return;
      this.give(group, partition, least);
      loads.set(least, (loads.get(least) ?? 0) + 1);
    }
  }

  private give(group: Group, partition: number, member: Member): void {
    const held = group.held.get(partition);
    if (!held) return;
    held.member = member;
    held.holding = member.grant(partition);
  }

  /** Takes a partition from the member that holds it; its lock stays here. */
  private async take(group: Group, partition: number): Promise<void> {
    const held = group.held.get(partition);
    if (!held) return;
    if (held.holding) {
      held.ending = held.holding.end(false).finally(() => (held.ending = undefined));
      held.holding = undefined;
    }
    await held.ending;
    held.member = undefined;
  }

  private query<Row extends Record<string, unknown>>(text: string, values: unknown[] = []): Promise<Row[]> {
    return this.session.query<Row>({ text, values }, queryTimeoutMs);
  }
}

const lockOf = (name: string): number => {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(`runlog_log:${name}`)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash | 0;
};

const logLock = lockOf('');

/** Waits for `work`, but not for ever. */
export const atMost = async (work: Promise<unknown>, ms: number): Promise<void> => {
  const timer = new AbortController();
  await Promise.race([work, delay(ms, undefined, { signal: timer.signal }).catch(() => undefined)]);
  timer.abort();
};

import { type CommandOf, type CreatedData, type EventData, type ExecutionId, type Instant, type RecordedEvent, successorOf, type WorkspaceId } from '@runlog/execution';
import { type EventRow, eventsOf, type Sql } from '@runlog/read-model';
import { isEnding } from './attempts.js';

/** The event, with the trace context of whoever asked: the next execution belongs to that trace. */
type Superseded = EventData['ExecutionSuperseded'] & { readonly traceparent?: string };

/** A retry that was decided, until its execution is seen to have begun. */
interface Succession {
  readonly source: ExecutionId;
  readonly workspaceId: WorkspaceId;
  readonly superseded: Superseded;
  readonly askedAt: Instant;
  endedAt: Instant | null;
  /** Offset of the last event that its row rests on; -1: of one that the progress had passed when it was loaded. */
  restsOn: number;
  /** When it is looked at next, and how often it was. */
  dueAt: Instant;
  tries: number;
}

interface StoredRow {
  readonly source_id: string;
  readonly workspace_id: string;
  readonly asked_at: number;
  readonly ended_at: number | null;
  readonly superseded: Superseded;
}

interface SeenRow {
  readonly id: ExecutionId;
  /** null: not created yet, as far as the read model knows. */
  readonly status: string | null;
  /** What the source was created with; null: the read model does not have it yet. */
  readonly created: string | null;
}

type Sent = CommandOf<'CreateExecution'> | CommandOf<'ReleaseExecution'>;

const AT_ONCE = 100;
/** How soon it is sent again first: it is refused as long as the read model lacks what the next execution takes over. */
const AGAIN_MS = 250;
const AGAIN_AT_MOST_MS = 60_000;
/** How soon the source is looked for again that the read model lacks. */
const LOOK_AGAIN_MS = 100;

/**
 * What follows a retry in another stream than the one it was decided in: the next execution is created at once, held while its source is
 * alive, and released when that has ended. Sent again, under the same ids, until the read model shows that it has begun; a row is written
 * before the progress passes its event, so that no crash forgets one, and never after that: a statement whose connection broke may be carried out
 * when the succession has begun and is forgotten.
 */
export class Successions {
  private readonly pending = new Map<ExecutionId, Succession>();
  private readonly unsaved = new Set<ExecutionId>();

  constructor(
    private readonly partition: number,
    private readonly sql: Sql,
  ) {}

  get size(): number {
    return this.pending.size;
  }

  async load(): Promise<void> {
    this.pending.clear();
    this.unsaved.clear();
    const rows = await this.sql.query<StoredRow>(
      'select source_id, workspace_id, asked_at, ended_at, superseded from scheduler_successions where partition = $1',
      [this.partition],
      'scheduler_successions',
    );
    for (const { source_id, workspace_id, asked_at, ended_at, superseded } of rows)
      this.pending.set(superseded.by, { source: source_id, workspaceId: workspace_id, superseded, askedAt: asked_at, endedAt: ended_at, restsOn: -1, dueAt: 0, tries: 0 });
  }

  fold(event: RecordedEvent, offset: number): void {
    if (event.type === 'ExecutionSuperseded')
      this.begin(event.executionId, event.workspaceId, event.traceparent === undefined ? event.data : { ...event.data, traceparent: event.traceparent }, event.at, offset);
    else if (this.pending.size > 0 && isEnding(event)) this.end(event.executionId, event.at, offset);
  }

  /** Writes what is not written yet: before the progress passes it. */
  async save(): Promise<void> {
    const ids = [...this.unsaved];
    if (ids.length === 0) return;
    this.unsaved.clear();
    const rows = ids.flatMap((id) => this.pending.get(id) ?? []);
    try {
      await this.sql.query(
        `insert into scheduler_successions as s (partition, successor_id, source_id, workspace_id, asked_at, ended_at, superseded)
         select $1, n.successor_id, n.source_id, n.workspace_id, n.asked_at, n.ended_at, n.superseded
         from unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::jsonb[], $8::bigint[])
           n(successor_id, source_id, workspace_id, asked_at, ended_at, superseded, rests_on)
         where not exists (select from scheduler_progress p where p.partition = $1 and p.next_offset > n.rests_on)
         on conflict (successor_id) do update set ended_at = coalesce(excluded.ended_at, s.ended_at)`,
        [
          this.partition,
          rows.map(({ superseded }) => superseded.by),
          rows.map(({ source }) => source),
          rows.map(({ workspaceId }) => workspaceId),
          rows.map(({ askedAt }) => askedAt),
          rows.map(({ endedAt }) => endedAt),
          rows.map(({ superseded }) => JSON.stringify(superseded)),
          rows.map(({ restsOn }) => restsOn),
        ],
        'scheduler_successions_put',
      );
    } catch (error) {
      for (const id of ids) this.unsaved.add(id);
      throw error;
    }
  }

  /** The commands that are due. Forgets what the read model shows to have begun, once the progress that is stored has passed it. */
  async due(now: Instant, storedOffset: number): Promise<Sent[]> {
    if (this.pending.size === 0) return [];
    const due = [...this.pending.values()].filter(({ dueAt }) => dueAt <= now).slice(0, AT_ONCE);
    if (due.length === 0) return [];
    const seen = new Map((await this.look(due)).map((row) => [row.id, row]));
    const commands = due.flatMap((one) => this.next(one, seen.get(one.superseded.by), now));
    await this.forget(due.filter(({ superseded, endedAt, restsOn }) => restsOn < storedOffset && hasBegun(seen.get(superseded.by), endedAt)));
    return commands;
  }

  private begin(source: ExecutionId, workspaceId: WorkspaceId, superseded: Superseded, at: Instant, offset: number): void {
    const known = this.pending.get(superseded.by);
    if (known) {
      known.restsOn = Math.max(known.restsOn, offset);
      return;
    }
    this.pending.set(superseded.by, { source, workspaceId, superseded, askedAt: at, endedAt: superseded.ended ? at : null, restsOn: offset, dueAt: 0, tries: 0 });
    this.unsaved.add(superseded.by);
  }

  private end(source: ExecutionId, at: Instant, offset: number): void {
    for (const one of this.pending.values()) {
      if (one.source !== source) continue;
      one.restsOn = Math.max(one.restsOn, offset);
      if (one.endedAt !== null) continue;
      Object.assign(one, { endedAt: at, dueAt: 0, tries: 0 });
      this.unsaved.add(one.superseded.by);
    }
  }

  private next(one: Succession, seen: SeenRow | undefined, now: Instant): Sent[] {
    const { superseded, source, workspaceId, askedAt, endedAt } = one;
    if (hasBegun(seen, endedAt)) return [];
    if (!seen?.created) {
      one.dueAt = now + LOOK_AGAIN_MS;
      return [];
    }
    one.dueAt = now + Math.min(AGAIN_MS * 2 ** one.tries++, AGAIN_AT_MOST_MS);
    const { traceparent } = superseded;
    const common = { executionId: superseded.by, workspaceId, ...(traceparent === undefined ? {} : { traceparent }) };
    const created = successorOf(source, JSON.parse(seen.created) as CreatedData, superseded);
    // Asked for before the end, it begins with the release, not at the time that it was asked for.
    const isHeld = endedAt === null || endedAt > askedAt;
    const create: Sent = { ...common, type: 'CreateExecution', id: `succeed:${superseded.by}`, at: askedAt, created, ...(isHeld ? { held: true } : {}) };
    if (endedAt === null) return seen.status === null ? [create] : [];
    // It may have been created held before: then the create changes nothing and the release counts.
    return [create, { ...common, type: 'ReleaseExecution', id: `release:${superseded.by}`, at: Math.max(askedAt, endedAt) }];
  }

  private async look(due: readonly Succession[]): Promise<SeenRow[]> {
    const rows = await this.sql.query<Omit<SeenRow, 'created'> & { readonly begins: EventRow<string> | null }>(
      `select s.id, e.status, (select to_json(c) from execution_events c where c.execution_id = s.source order by c.version limit 1) as begins
       from unnest($1::uuid[], $2::uuid[]) as s(id, source) left join executions e on e.id = s.id`,
      [due.map(({ superseded }) => superseded.by), due.map(({ source }) => source)],
      'scheduler_successions_look',
    );
    return rows.map(({ begins, ...row }) => {
      const first = begins && eventsOf(begins)[0];
      return { ...row, created: first?.version === 1 ? first.value : null };
    });
  }

  private async forget(begun: readonly Succession[]): Promise<void> {
    if (begun.length === 0) return;
    const ids = begun.map(({ superseded }) => superseded.by);
    await this.sql.query('delete from scheduler_successions where successor_id = any($1)', [ids], 'scheduler_successions_drop');
    for (const id of ids) {
      this.pending.delete(id);
      this.unsaved.delete(id);
    }
  }
}

/** Nothing is left to send: it was admitted, or has ended without that. */
const hasBegun = (seen: SeenRow | undefined, endedAt: Instant | null): boolean => endedAt !== null && seen?.status != null && seen.status !== 'pending';

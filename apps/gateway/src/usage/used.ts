import type { ListResource, Reads, UsageResource, UsageView } from '@runlog/contract';
import type { Catalog } from '@runlog/read-model';
import type { Principal } from '../auth/principal.js';
import { checkWholeWorkspace } from '../auth/whole-workspace.js';
import { workflowIdOf } from '../executions/filter-ids.js';
import { Answer } from '../http/answer.js';
import { cursorOf, placeIn } from '../http/cursor.js';
import { malformed } from '../http/problem.js';
import type { UsageQuery } from './usage.dto.js';

const DAY_MS = 86_400_000;
const LONGEST_DAYS = 400;
/** Days since 1970 that have four digits in their year. */
const MOST_DAYS = 2_932_896;
const NOWHERE = '00000000-0000-0000-0000-000000000000';

/** What a workspace used. Usage is counted for the workspace as a whole, so that a key of one pod may not see it. */
export class Used {
  constructor(
    private readonly reads: Reads,
    private readonly catalog: Catalog,
  ) {}

  async list(who: Principal, asked: UsageQuery): Promise<Answer> {
    checkWholeWorkspace(who, 'to see usage, which is counted for all of it');
    const { limit = 100, group_by: by = [], after } = asked;
    const order = `usage:${[...new Set(by)].sort().join(',')}`;
    const days = daysOf(asked);
    const workflowId = await workflowIdOf(this.catalog, who.workspaceId, asked.workflow_id);
    const place = after === undefined ? undefined : placeOf(after, order);
    if (workflowId === null) return new Answer(200, listOf([], null));
    const { rows, hasMore, lagMs } = await this.reads.usage({
      workspaceId: who.workspaceId,
      ...days,
      ...(workflowId === undefined ? {} : { workflowId }),
      by: { day: by.includes('day'), workflow: by.includes('workflow') },
      limit,
      ...(place === undefined ? {} : { after: place }),
    });
    const last = rows.at(-1);
    const next = hasMore && last ? cursorOf(order, { value: last.day === null ? 0 : Date.parse(last.day) / DAY_MS, id: last.workflow_id ?? NOWHERE }) : null;
    const data = rows.map((row) => usageResource(who.workspaceId, row));
    return new Answer(200, listOf(data, next), { 'Runlog-Lag-Ms': String(Math.round(lagMs)) });
  }
}

const placeOf = (cursor: string, order: string): { day: string; workflowId: string } => {
  const { value, id } = placeIn(cursor, order, 'after');
  const day = Number(value);
  if (!Number.isInteger(day) || day < 0 || day > MOST_DAYS) throw malformed('invalid_cursor', 'after', "Expected 'after' to be a cursor of this list, but it is not");
  return { day: dayOf(day * DAY_MS), workflowId: id };
};

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** Throws a 400 problem for days that are none, in the wrong order, or too many. */
const daysOf = ({ from, to }: UsageQuery): { from: string; to: string } => {
  const last = to === undefined ? Math.floor(Date.now() / DAY_MS) * DAY_MS : instantOf(to, 'to');
  const first = from === undefined ? last - 29 * DAY_MS : instantOf(from, 'from');
  if (first > last || last - first >= LONGEST_DAYS * DAY_MS)
    throw malformed('invalid_query', 'from', `Expected 'from' to be no later than 'to', and at most ${LONGEST_DAYS} days in all`);
  return { from: dayOf(first), to: dayOf(last) };
};

const instantOf = (day: string, name: string): number => {
  const at = Date.parse(`${day}T00:00:00Z`);
  if (Number.isNaN(at) || dayOf(at) !== day || at < 0) throw malformed('invalid_query', name, `Expected '${name}' to be a day such as 2026-03-31, but got '${day}'`);
  return at;
};

const listOf = (data: readonly UsageResource[], next_cursor: string | null): ListResource<UsageResource> => ({
  object: 'list',
  data,
  has_more: next_cursor !== null,
  next_cursor,
  prev_cursor: null,
});

const usageResource = (workspace_id: string, { input_tokens, output_tokens, cost_nano_usd, day, workflow_id, ...counts }: UsageView): UsageResource => ({
  object: 'usage',
  workspace_id,
  day,
  workflow_id,
  ...counts,
  token_usage: { prompt_tokens: input_tokens, completion_tokens: output_tokens, total_tokens: input_tokens + output_tokens },
  cost: Number(cost_nano_usd) / 1e9,
  cost_nano_usd,
});

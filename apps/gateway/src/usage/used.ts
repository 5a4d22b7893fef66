import type { ListResource, Reads, UsageFilter, UsageResource, UsageView } from '@runlog/contract';
import type { Catalog } from '@runlog/read-model';
import type { Principal } from '../auth/principal.js';
import { checkWholeWorkspace } from '../auth/whole-workspace.js';
import { agentIdOf, workflowIdOf } from '../executions/filter-ids.js';
import { tokenUsage, usd } from '../executions/money.js';
import { Answer } from '../http/answer.js';
import { cursorOf, placeIn } from '../http/cursor.js';
import { malformed } from '../http/problem.js';
import type { UsageQuery } from './usage.dto.js';

const DAY_MS = 86_400_000;
const LONGEST_DAYS = 400;
/** Days since 1970 that have four digits in their year. */
const MOST_DAYS = 2_932_896;
const NOWHERE = '00000000-0000-0000-0000-000000000000';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

type UsagePlace = NonNullable<UsageFilter['after']>;

/** What a workspace used. Usage is counted for the workspace as a whole, so that a key of one pod may not see it. */
export class Used {
  constructor(
    private readonly reads: Reads,
    private readonly catalog: Catalog,
  ) {}

  async list(who: Principal, asked: UsageQuery): Promise<Answer> {
    checkWholeWorkspace(who, 'to see usage, which is counted for all of it');
    const { limit = 100, group_by: by = [], after, model } = asked;
    const order = `usage:${[...new Set(by)].sort().join(',')}`;
    const days = daysOf(asked);
    const workflowId = await workflowIdOf(this.catalog, who.workspaceId, asked.workflow_id);
    const agentId = await agentIdOf(this.catalog, who.workspaceId, asked.agent_id);
    const place = after === undefined ? undefined : placeOf(after, order);
    if (workflowId === null || agentId === null) return new Answer(200, listOf([], null));
    const { rows, hasMore, lagMs } = await this.reads.usage({
      workspaceId: who.workspaceId,
      ...days,
      ...(workflowId === undefined ? {} : { workflowId }),
      ...(agentId === undefined ? {} : { agentId }),
      ...(model === undefined ? {} : { model }),
      by: { day: by.includes('day'), workflow: by.includes('workflow'), agent: by.includes('agent'), model: by.includes('model') },
      limit,
      ...(place === undefined ? {} : { after: place }),
    });
    const last = rows.at(-1);
    const data = rows.map((row) => usageResource(who.workspaceId, row));
    return new Answer(200, listOf(data, hasMore && last ? cursorTo(last, order) : null), { 'Runlog-Lag-Ms': String(Math.round(lagMs)) });
  }
}

const cursorTo = ({ day, workflow_id, agent_id, model }: UsageView, order: string): string =>
  cursorOf(order, { value: day === null ? 0 : Date.parse(day) / DAY_MS, id: JSON.stringify([workflow_id ?? NOWHERE, agent_id ?? '', model ?? '']) });

const placeOf = (cursor: string, order: string): UsagePlace => {
  const { value, id } = placeIn(cursor, order, 'after', /^\["[^"]*",".*","/);
  const day = Number(value);
  const names = namesIn(id);
  if (!Number.isInteger(day) || day < 0 || day > MOST_DAYS || !names) throw malformed('invalid_cursor', 'after', "Expected 'after' to be a cursor of this list, but it is not");
  return { day: dayOf(day * DAY_MS), ...names };
};

const namesIn = (id: string): Omit<UsagePlace, 'day'> | undefined => {
  try {
    const [workflowId, agentId, model, ...more] = JSON.parse(id) as unknown[];
    const isUsable = typeof workflowId === 'string' && UUID.test(workflowId) && typeof agentId === 'string' && typeof model === 'string' && more.length === 0;
    return isUsable ? { workflowId, agentId, model } : undefined;
  } catch {
    return undefined;
  }
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

const usageResource = (workspace_id: string, row: UsageView): UsageResource => {
  const { input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_nano_usd, unpriced_calls, agent_id, model, ...rest } = row;
  return {
    object: 'usage',
    workspace_id,
    ...rest,
    // A row that is about none says so by an empty name.
    agent_id: agent_id || null,
    model: model || null,
    token_usage: tokenUsage({
      input_uncached: input_tokens,
      cache_read: cache_read_tokens,
      cache_write: cache_write_tokens,
      output_text: output_tokens,
      reasoning: reasoning_tokens,
    }),
    cost: usd(cost_nano_usd),
    cost_nano_usd,
    cost_complete: unpriced_calls === 0,
  };
};

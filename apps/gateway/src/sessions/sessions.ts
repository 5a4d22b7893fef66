import type { ListResource, MessageResource, Reads, SessionResource, SessionView, TurnView } from '@runlog/contract';
import { type Catalog, wordsOfAgent, wordsOfUser } from '@runlog/read-model';
import type { Principal } from '../auth/principal.js';
import { utc } from '../executions/execution-times.js';
import { agentIdOf } from '../executions/filter-ids.js';
import type { StoredBodies } from '../executions/stored-bodies.js';
import { Answer } from '../http/answer.js';
import { cursorOf, placeIn } from '../http/cursor.js';
import { malformed, unknown } from '../http/problem.js';
import type { MessagesQuery, SessionsQuery } from './sessions.dto.js';

const NEWEST = '-created_at';
const OLDEST = 'created_at';
const MESSAGE = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.(user|assistant)$/;
/** Longer messages are shown as far as this: the execution has all of it. */
const SHOWN_CHARS = 65_536;

/** Conversations with agents, as their executions tell them. */
export class Sessions {
  constructor(
    private readonly reads: Reads,
    private readonly catalog: Catalog,
    private readonly bodies: StoredBodies,
  ) {}

  async list(who: Principal, { agent_id, limit = 50, after, before }: SessionsQuery): Promise<Answer> {
    if (after !== undefined && before !== undefined) throw malformed('invalid_query', 'before', 'Expected one cursor, but got both after and before');
    const agentId = await agentIdOf(this.catalog, who.workspaceId, agent_id);
    if (agentId === null) return new Answer(200, listOf([], null, null), { 'Runlog-Lag-Ms': '0' });
    const place = (cursor: string, name: 'after' | 'before') => {
      const { value, id } = placeIn(cursor, NEWEST, name);
      return { at: Number(value), id };
    };
    const { rows, hasMore, lagMs } = await this.reads.sessions({
      workspaceId: who.workspaceId,
      limit,
      ...(who.podId === null ? {} : { podId: who.podId }),
      ...(agentId === undefined ? {} : { agentId }),
      ...(after === undefined ? {} : { after: place(after, 'after') }),
      ...(before === undefined ? {} : { before: place(before, 'before') }),
    });
    const edge = (row: SessionView | undefined) => (row ? cursorOf(NEWEST, { value: row.last_at, id: row.last_execution_id }) : null);
    const next = before !== undefined || hasMore ? edge(rows.at(-1)) : null;
    const previous = (before === undefined ? after !== undefined : hasMore) ? edge(rows[0]) : null;
    return new Answer(200, listOf(rows.map(sessionResource), next, previous), { 'Runlog-Lag-Ms': String(Math.round(lagMs)) });
  }

  /** Oldest first. Throws a 404 problem where nobody has said anything. */
  async messages(who: Principal, sessionId: string, { limit = 50, after }: MessagesQuery): Promise<ListResource<MessageResource>> {
    const place = after === undefined ? undefined : placeIn(after, OLDEST, 'after', MESSAGE);
    const turns = await this.reads.turns({
      workspaceId: who.workspaceId,
      sessionId,
      limit: limit + 2,
      ...(who.podId === null ? {} : { podId: who.podId }),
      ...(place ? { after: { at: Number(place.value), id: place.id.split('.')[0] as string } } : {}),
    });
    if (turns.length === 0) throw unknown('session', sessionId);
    const all = (await Promise.all(turns.map((turn) => this.messagesOf(who.workspaceId, turn)))).flat();
    const from = place ? all.findIndex(({ id }) => id === place.id) + 1 : 0;
    const data = all.slice(from, from + limit);
    const last = data.at(-1);
    const more = last !== undefined && all.length > from + limit;
    const cursor = (message: MessageResource) => cursorOf(OLDEST, { value: Date.parse(message.execution_created_at), id: message.id });
    return { ...listOf(data, more ? cursor(last) : null, null) };
  }

  private async messagesOf(workspaceId: string, turn: TurnView): Promise<MessageResource[]> {
    const { execution_id, agent_id, status, created_at, completed_at, input_ref, output_ref } = turn;
    const of = (role: MessageResource['role'], text: string, at: number): MessageResource => ({
      object: 'message',
      id: `${execution_id}.${role}`,
      role,
      content: text.length > SHOWN_CHARS ? text.slice(0, SHOWN_CHARS).toWellFormed() : text,
      is_cut: text.length > SHOWN_CHARS,
      agent_id,
      execution_id,
      execution_status: status,
      execution_created_at: utc(created_at),
      created_at: utc(at),
    });
    const input = input_ref ? await this.bodies.json(workspaceId, input_ref) : turn.input;
    const asked = of('user', wordsOfUser(input), created_at);
    if (status !== 'completed') return [asked];
    const output = output_ref ? await this.bodies.json(workspaceId, output_ref) : turn.output;
    return [asked, of('assistant', wordsOfAgent(output), completed_at ?? created_at)];
  }
}

const sessionResource = ({ session_id, agent_id, last_execution_id, executions, first_at, last_at }: SessionView): SessionResource => ({
  object: 'session',
  id: session_id,
  agent_id,
  last_execution_id,
  executions,
  created_at: utc(first_at),
  updated_at: utc(last_at),
});

const listOf = <Item>(data: readonly Item[], next_cursor: string | null, prev_cursor: string | null): ListResource<Item> => ({
  object: 'list',
  data,
  has_more: next_cursor !== null,
  next_cursor,
  prev_cursor,
});

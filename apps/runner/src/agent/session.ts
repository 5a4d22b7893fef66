import type { Json } from '@runlog/execution';
import type { PinnedAgent } from '@runlog/workflow';
import type { NodeContext } from '../kinds/node-kind.js';
import type { Agency, Said } from './agency.js';
import { Guardrails } from './guardrails.js';
import type { Journal } from './journal.js';
import type { Message } from './models/conversation.js';

const KEY = 'session';
const DEFAULT_TOKENS = 8_000;
const CHARS_PER_TOKEN = 4;

/** The session's messages before this execution, as every attempt of it sees them: the newest that fit. */
export const sessionMessages = async (agent: PinnedAgent, { scope, log, signal }: NodeContext, { task, memory }: Agency, journal: Journal): Promise<readonly Message[]> => {
  const sessionId = (scope.execution as { session_id?: string | null } | null)?.session_id;
  if (typeof sessionId !== 'string') return [];
  const recorded = journal.entry(KEY)?.receipt as { messages: readonly Said[] } | undefined;
  if (recorded) return recorded.messages.map(messageOf);
  const maxChars = (agent.limits.session_tokens ?? DEFAULT_TOKENS) * CHARS_PER_TOKEN;
  const all = await memory.history(task, sessionId, maxChars, signal);
  const fitting = newest(all, maxChars);
  if (fitting.length < all.length) log('info', `Of the session's messages the last ${fitting.length} fit`);
  // What a guardrail keeps from the model now, it keeps from it later.
  const redacting = new Guardrails(
    agent.guardrails.filter(({ action }) => action === 'redact'),
    'input',
    () => undefined,
  );
  const messages = fitting.map(({ role, content }) => ({ role, content: role === 'user' ? redacting.text(content) : content }));
  const kept = (await journal.record({ key: KEY, receipt: { messages } as unknown as Json })) as unknown as { messages: readonly Said[] };
  return kept.messages.map(messageOf);
};

/** A conversation begins with what a user said. */
const newest = (all: readonly Said[], maxChars: number): readonly Said[] => {
  let left = maxChars;
  let from = all.length;
  while (from > 0) {
    left -= (all[from - 1] as Said).content.length;
    if (left < 0) break;
    from--;
  }
  while (from < all.length && all[from]?.role !== 'user') from++;
  return all.slice(from);
};

const messageOf = ({ role, content }: Said): Message => (role === 'user' ? { role, text: content, images: [] } : { role, parts: [{ type: 'text', text: content }], by: null });

import type { Running } from './standalone.js';

const terminal = new Set(['ExecutionCompleted', 'ExecutionFailed', 'ExecutionRejected', 'ExecutionCancelled', 'ExecutionFaulted']);

// biome-ignore lint/suspicious/noExplicitAny: events of every shape
export type Event = any;

/** Every event of an execution, oldest first. */
export const historyOf = async ({ call }: Pick<Running, 'call'>, id: string): Promise<Event[]> => {
  const events: Event[] = [];
  for (let after = 0; ; after = events.at(-1).version) {
    const { status, body } = await call('GET', `/api/v1/executions/${id}/events?limit=1000&after=${after}`);
    if (status !== 200) throw new Error(`Expected the history of '${id}', but got ${status}: ${JSON.stringify(body)}`);
    events.push(...body.data);
    if (!body.has_more) return events;
  }
};

/** What is wrong with a history that has ended: versions without a gap, an unbroken chain, one end, and each node ended once. */
export const flawsOf = (events: readonly Event[]): string[] => {
  const flaws: string[] = [];
  for (const [at, event] of events.entries()) {
    if (event.version !== at + 1) flaws.push(`event ${at + 1} has version ${event.version}`);
    if (event.previous !== (events[at - 1]?.id ?? '')) flaws.push(`event ${event.version} does not follow its predecessor`);
  }
  const ends = events.filter(({ type }) => terminal.has(type));
  // A retry may be asked for after the end: that it was is all that may follow.
  const last = events.findLast(({ type }) => type !== 'ExecutionSuperseded');
  if (ends.length !== 1 || !terminal.has(last?.type)) flaws.push(`${ends.length} terminal events, the last event is ${last?.type}`);
  const ended = events.filter(({ type }) => type === 'NodeCompleted').map(({ node_id }) => node_id);
  if (new Set(ended).size !== ended.length) flaws.push(`a node completed twice: ${ended.join(', ')}`);
  return flaws;
};

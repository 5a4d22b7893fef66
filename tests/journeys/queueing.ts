import { type Event, historyOf } from './histories.js';
import type { Running } from './standalone.js';

type Client = Pick<Running, 'call'>;

/** Sets a queue; fails with the problem if that is refused. */
export const setQueue = async ({ call }: Client, name: string, settings: object): Promise<void> => {
  const { status, body } = await call('PUT', `/api/v1/queues/${name}`, settings);
  if (status !== 200 && status !== 201) throw new Error(`Expected to set queue '${name}', but got ${status}: ${JSON.stringify(body)}`);
};

/** When an execution held a slot, as its own history says: from each admission to the suspension or end after it. */
const holdings = (events: readonly Event[]): (readonly [from: number, to: number])[] => {
  const held: (readonly [number, number])[] = [];
  let from: number | undefined;
  for (const { type, at } of events) {
    if (type === 'ExecutionStarted' || type === 'ExecutionResumed') from = Date.parse(at);
    else if (from !== undefined && /^Execution(Suspended|Completed|Failed|Rejected|Cancelled)$/.test(type)) {
      held.push([from, Date.parse(at)]);
      from = undefined;
    }
  }
  return held;
};

/** The slots that these executions held at the busiest moment, as `<execution> <from> <to>`; touching ends do not count. */
export const heldAtOnce = async (client: Client, ids: readonly string[]): Promise<string[]> => {
  const histories = await Promise.all(ids.map(async (id) => holdings(await historyOf(client, id)).map(([from, to]) => ({ id, from, to }))));
  const all = histories.flat();
  const crowds = all.map(({ from }) => all.filter((one) => one.from <= from && from < one.to));
  const busiest = crowds.reduce((most, crowd) => (crowd.length > most.length ? crowd : most), []);
  return busiest.map(({ id, from, to }) => `${id} ${new Date(from).toISOString()} ${new Date(to).toISOString()}`);
};

export const mostAtOnce = async (client: Client, ids: readonly string[]): Promise<number> => (await heldAtOnce(client, ids)).length;

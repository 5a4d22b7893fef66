import { DOOMED, NEWCOMER } from './place.js';

/** A key of a queue as its row says: so many slots held, nobody before `head`, last served at `turn`. */
export interface KeyStanding {
  readonly key: string;
  readonly held: number;
  readonly head: number;
  readonly turn: number;
}

/** Somebody who waits. */
export interface Waiting {
  readonly execution_id: string;
  readonly workspace_id: string;
  readonly key: string;
  readonly ticket: number;
  readonly place: number;
}

/** What becomes of a key's row. `turn` null: as it was. */
interface KeyChange {
  readonly key: string;
  readonly granted: number;
  readonly head: number;
  readonly turn: number | null;
}

export interface Choice {
  readonly granted: Waiting[];
  readonly keys: KeyChange[];
  /** The queue's turn afterwards. */
  readonly turn: number;
}

interface Line {
  readonly standing: KeyStanding;
  readonly waiting: readonly Waiting[];
  readonly room: number;
  next: number;
  turn: number;
}

/**
 * Who is admitted next: by place, or with `roundRobin` by turns of the keys (whoever was suspended before anybody new, all the same).
 * `waiting` holds the first of each key, one more than may be granted. Keys whose head has moved without a grant come back, too.
 */
export const choose = (keys: readonly KeyStanding[], waiting: readonly Waiting[], room: number, keySlots: number, roundRobin: boolean, turn: number): Choice => {
  const byKey = Map.groupBy(waiting, ({ key }) => key);
  const lines = keys.map((standing): Line => {
    const own = (byKey.get(standing.key) ?? []).toSorted(byPlace);
    return { standing, waiting: own, room: standing.key === '' ? room : keySlots - standing.held, next: 0, turn: standing.turn };
  });
  const granted: Waiting[] = [];
  let now = turn;
  while (granted.length < room) {
    const line = first(lines, roundRobin);
    const one = line?.waiting[line.next];
    if (!line || !one) break;
    line.next++;
    line.turn = ++now;
    granted.push(one);
  }
  return { granted, keys: lines.flatMap(changeOf), turn: now };
};

const byPlace = (a: Waiting, b: Waiting): number => a.place - b.place || (a.execution_id < b.execution_id ? -1 : 1);

const first = (lines: readonly Line[], roundRobin: boolean): Line | undefined => {
  let best: Line | undefined;
  for (const line of lines) if (line.next < line.room && line.waiting[line.next] && (!best || isBefore(line, best, roundRobin))) best = line;
  return best;
};

const isBefore = (a: Line, b: Line, roundRobin: boolean): boolean => {
  const [one, other] = [a.waiting[a.next] as Waiting, b.waiting[b.next] as Waiting];
  if (roundRobin) {
    const classes = Math.floor(one.place / NEWCOMER) - Math.floor(other.place / NEWCOMER);
    if (classes !== 0 || a.turn !== b.turn) return classes < 0 || (classes === 0 && a.turn < b.turn);
  }
  return byPlace(one, other) < 0;
};

const changeOf = ({ standing, waiting, next, turn }: Line): KeyChange[] => {
  const head = waiting[next]?.place ?? DOOMED;
  return next === 0 && head === standing.head ? [] : [{ key: standing.key, granted: next, head, turn: next === 0 ? null : turn }];
};

/**
 * Of those who are alive in a key, who has to go so that the newest stay: `members` with their time of arrival. Newcomers are what sets it
 * off; whoever comes back from a suspension is none.
 */
export const outdated = <Member extends { readonly execution_id: string; readonly queued_at: number }>(members: readonly Member[], keySlots: number): Member[] =>
  members.toSorted((a, b) => b.queued_at - a.queued_at || (a.execution_id < b.execution_id ? 1 : -1)).slice(keySlots);

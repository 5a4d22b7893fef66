import type { CallRecord, JournalEntry, Json, NodeTask } from '@runlog/execution';
import { stored, unread } from '../node-bodies.js';
import { storable } from '../plain-json.js';
import type { Agency } from './agency.js';

/** A larger receipt is stored, and the journal refers to it. */
const MAX_INLINE_BYTES = 16_384;

type Entry = Omit<JournalEntry, 'receipt_ref'>;

/** The calls that earlier attempts have told of, and the way of this one's records. */
export class Journal {
  readonly #entries: ReadonlyMap<string, Entry>;

  private constructor(
    entries: readonly Entry[],
    private readonly agency: Agency,
  ) {
    this.#entries = new Map(entries.map((entry) => [entry.key, entry]));
  }

  /** @throws NodeFailure `artifact_missing` */
  static async open(agency: Agency): Promise<Journal> {
    const { task, bodies } = agency;
    try {
      return new Journal(await Promise.all((await entriesOf(task, agency)).map((entry) => whole(entry, task, bodies))), agency);
    } catch (error) {
      throw unread(error);
    }
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  entry(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  /** A call and its repeats, `key`, `key.2`, `key.3`, ..., in order. */
  tries(key: string): readonly Entry[] {
    const found: Entry[] = [];
    for (let nth = 1; ; nth++) {
      const entry = this.#entries.get(nthTry(key, nth));
      if (!entry) return found;
      found.push(entry);
    }
  }

  /** Entries in the order in which the calls were made. */
  get all(): Iterable<Entry> {
    return this.#entries.values();
  }

  /** Gives the receipt as later attempts will see it: with secrets blacked out. */
  async record(record: Omit<CallRecord, 'receipt_ref'>): Promise<Json> {
    const { task, redaction, bodies, steps, signal } = this.agency;
    const text = JSON.stringify(record.receipt);
    const kept = redaction.json(storable(record.receipt, text), text);
    const shown = kept === record.receipt ? text : JSON.stringify(kept);
    const error = record.error ? { error: { ...record.error, message: redaction.text(record.error.message) } } : {};
    if (Buffer.byteLength(shown) <= MAX_INLINE_BYTES) steps.record({ ...record, receipt: kept, ...error });
    else steps.record({ ...record, receipt: null, receipt_ref: await stored(bodies, task, shown, signal), ...error });
    return kept;
  }
}

export const nthTry = (key: string, nth: number): string => (nth === 1 ? key : `${key}.${nth}`);

const entriesOf = async ({ journal, journal_ref, workspaceId }: NodeTask, { bodies }: Agency): Promise<readonly JournalEntry[]> =>
  journal_ref ? ((await bodies.json(workspaceId, journal_ref)) as unknown as JournalEntry[]) : (journal ?? []);

const whole = async ({ receipt_ref, ...entry }: JournalEntry, { workspaceId }: NodeTask, bodies: Agency['bodies']): Promise<Entry> => {
  const answer_ref = entry.gate?.answer_ref;
  const receipt = receipt_ref ? { receipt: await bodies.json(workspaceId, receipt_ref) } : {};
  const gate = entry.gate && answer_ref ? { gate: { ...entry.gate, answer: await bodies.json(workspaceId, answer_ref) } } : {};
  return { ...entry, ...receipt, ...gate };
};

import type { QueryConfig } from 'pg';
import type { LogRecord, NewRecord, Outgoing, Urgency } from '../port.js';
import type { Topic } from '../topics.js';

/** Records for one partition; `slot` is one number for topic and partition. */
interface WritePart {
  readonly topic: Topic;
  readonly partition: number;
  readonly slot: number;
  readonly records: readonly NewRecord[];
}

/** What one caller wants written, all or nothing. */
export interface WriteItem {
  readonly parts: readonly WritePart[];
  readonly count: number;
  readonly bytes: number;
  /** The first part must be the only write to its partition in a batch. */
  readonly exclusive: boolean;
  /** The claim that must be in force on the first part's partition. */
  readonly fence?: number;
  /** The first part is a claim: it is in force from here on. */
  readonly takesClaim?: boolean;
  readonly urgency?: Urgency;
  /** Once aborted, it is not written any more. */
  readonly signal?: AbortSignal;
  readonly settle: (bases: number[]) => void;
  readonly fail: (error: Error) => void;
}

/** Records of one partition as committed, contiguous. */
export interface Written {
  readonly slot: number;
  readonly records: readonly LogRecord[];
}

interface Slot {
  readonly slot: number;
  readonly topic: Topic;
  readonly topicNo: number;
  readonly partition: number;
  readonly records: NewRecord[];
  claims: boolean;
  no: number;
}

export interface ComposedBatch {
  readonly query: QueryConfig;
  /** In the order that the server counts them. */
  readonly fenced: readonly WriteItem[];
  /** Tells every caller its base offsets; returns what readers get. */
  settle(bases: readonly number[], at: number): Written[];
}

const noHeaders: Readonly<Record<string, string>> = {};
const asArray = (numbers: readonly (number | boolean)[]): string => `{${numbers.join(',')}}`;

/** One statement for all of it. Keys, headers and values travel in one binary parameter: no escaping, no copies on the way. */
export const composeBatch = (items: readonly WriteItem[], slotOf: (outgoing: Outgoing) => { topicNo: number; partition: number }): ComposedBatch => {
  const bySlot = new Map<number, Slot>();
  const placed: { readonly item: WriteItem; readonly at: { readonly slot: Slot; readonly rank: number }[] }[] = [];
  const fenced: WriteItem[] = [];
  const fenceSlots: Slot[] = [];
  for (const item of items) {
    const at = item.parts.map((part) => {
      let slot = bySlot.get(part.slot);
      if (!slot) {
        slot = { slot: part.slot, topic: part.topic, ...slotOf(part), records: [], claims: false, no: 0 };
        bySlot.set(part.slot, slot);
      }
      const rank = slot.records.length;
      for (const record of part.records) slot.records.push(record);
      return { slot, rank };
    });
    placed.push({ item, at });
    const first = at[0]?.slot as Slot;
    if (item.takesClaim) first.claims = true;
    if (item.fence !== undefined) {
      fenced.push(item);
      fenceSlots.push(first);
    }
  }
  const slots = [...bySlot.values()].sort((a, b) => a.topicNo - b.topicNo || a.partition - b.partition);
  slots.forEach((slot, index) => (slot.no = index + 1));
  const { columns, body, values } = encodeRecords(slots);
  return {
    query: {
      name: 'runlog-log-write',
      text: 'select written_at, bases, lost from runlog_log.write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)',
      values: [
        asArray(slots.map((slot) => slot.topicNo)),
        asArray(slots.map((slot) => slot.partition)),
        asArray(slots.map((slot) => slot.records.length)),
        asArray(slots.map((slot) => slot.claims)),
        asArray(fenceSlots.map((slot) => slot.no)),
        asArray(fenced.map((item) => item.fence as number)),
        ...columns.map(asArray),
        body,
      ],
    },
    fenced,
    settle: (bases, at) => {
      for (const { item, at: places } of placed) item.settle(places.map(({ slot, rank }) => (bases[slot.no - 1] as number) + rank));
      let next = 0;
      return slots.map(({ slot, topic, partition, no, records }) => ({
        slot,
        records: records.map(({ key, headers }, rank) => ({
          topic,
          partition,
          offset: (bases[no - 1] as number) + rank,
          key,
          headers: headers ?? noHeaders,
          value: values[next++] as Buffer,
          at,
        })),
      }));
    },
  };
};

const encodeRecords = (slots: readonly Slot[]) => {
  const [slotNos, ranks, starts, keyBytes, headerBytes, valueBytes]: [number[], number[], number[], number[], number[], number[]] = [[], [], [], [], [], []];
  const values = slots.flatMap(({ records }) => packValues(records));
  const headerTexts: string[] = [];
  let bound = 0;
  for (const { records } of slots)
    for (const { key, headers } of records) {
      const headerText = headers ? JSON.stringify(headers) : '{}';
      bound += (values[headerTexts.length] as Buffer).length + 3 * (key.length + headerText.length);
      headerTexts.push(headerText);
    }
  const body = Buffer.allocUnsafe(bound);
  let position = 0;
  let next = 0;
  for (const { no, records } of slots)
    for (let rank = 0; rank < records.length; rank++, next++) {
      slotNos.push(no);
      ranks.push(rank);
      starts.push(position);
      const keyLength = body.write((records[rank] as NewRecord).key, position);
      const headerLength = body.write(headerTexts[next] as string, position + keyLength);
      const value = values[next] as Buffer;
      value.copy(body, position + keyLength + headerLength);
      keyBytes.push(keyLength);
      headerBytes.push(headerLength);
      valueBytes.push(value.length);
      position += keyLength + headerLength + value.length;
    }
  return { columns: [slotNos, ranks, starts, keyBytes, headerBytes, valueBytes], body: body.subarray(0, position), values };
};

/** One buffer for the values of a partition: its feed keeps them for a while, and with values of Node's buffer pool it would keep whatever lies beside them, too. */
const packValues = (records: readonly NewRecord[]): Buffer[] => {
  const lengths = records.map(({ value }) => (typeof value === 'string' ? Buffer.byteLength(value) : value.length));
  const packed = Buffer.allocUnsafeSlow(lengths.reduce((sum, length) => sum + length, 0));
  let position = 0;
  return records.map(({ value }, index) => {
    const bytes = packed.subarray(position, position + (lengths[index] as number));
    if (typeof value === 'string') bytes.write(value);
    else value.copy(bytes);
    position += bytes.length;
    return bytes;
  });
};

import type { QueryConfig } from 'pg';
import type { LogRecord, NewRecord, Outgoing, Urgency } from '../port.js';
import type { Topic } from '../topics.js';
import { BinaryColumn } from './binary-column.js';
import { WrittenRecord } from './postgres-record.js';
import { storedHeaders } from './stored-headers.js';

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
  fenced: WriteItem | undefined;
  no: number;
}

export interface ComposedBatch {
  readonly query: QueryConfig;
  /** Those whose claims do not hold, by the server's answer. */
  lost(slotNos: readonly number[]): Set<WriteItem>;
  /** Tells every caller its base offsets; returns what readers get. */
  settle(bases: readonly number[], at: number): Written[];
}

const noHeaders: Readonly<Record<string, string>> = {};
/** As a fence: none. Claims have offsets. */
const noClaim = -1;

/** Makes one statement of what many callers want written. */
export class Composer {
  private readonly slotTopic = new BinaryColumn('integer');
  private readonly slotPartition = new BinaryColumn('integer');
  private readonly slotCount = new BinaryColumn('integer');
  private readonly slotClaims = new BinaryColumn('boolean');
  private readonly slotFence = new BinaryColumn('bigint');
  private readonly recordSlot = new BinaryColumn('integer');
  private readonly recordRank = new BinaryColumn('integer');
  private readonly key = new BinaryColumn('text');
  private readonly headers = new BinaryColumn('text');
  private readonly value = new BinaryColumn('bytea');
  /** In the order of the parameters. */
  private readonly columns = [
    this.slotTopic,
    this.slotPartition,
    this.slotCount,
    this.slotClaims,
    this.slotFence,
    this.recordSlot,
    this.recordRank,
    this.key,
    this.headers,
    this.value,
  ];

  constructor(private readonly slotOf: (outgoing: Outgoing) => { readonly topicNo: number; readonly partition: number }) {}

  /** The query shares memory with the next one: it must have been sent before. */
  compose(items: readonly WriteItem[]): ComposedBatch {
    const bySlot = new Map<number, Slot>();
    const placed = items.map((item) => ({ item, at: item.parts.map((part) => this.place(part, bySlot)) }));
    for (const { item, at } of placed) {
      const first = at[0]?.slot as Slot;
      if (item.takesClaim) first.claims = true;
      if (item.fence !== undefined) first.fenced = item;
    }
    const slots = [...bySlot.values()].sort((a, b) => a.topicNo - b.topicNo || a.partition - b.partition);
    try {
      slots.forEach((slot, index) => {
        slot.no = index + 1;
        this.add(slot);
      });
    } catch (error) {
      // What was added so far is not part of the next one.
      for (const column of this.columns) column.take();
      throw error;
    }
    return {
      query: {
        name: 'runlog-log-write',
        text: 'select written_at, bases, lost from runlog_log.write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)',
        values: this.columns.map((column) => column.take()),
      },
      lost: (slotNos) => new Set(slotNos.map((no) => slots[no - 1]?.fenced as WriteItem)),
      settle: (bases, at) => {
        for (const { item, at: places } of placed) item.settle(places.map(({ slot, rank }) => (bases[slot.no - 1] as number) + rank));
        return slots.map(({ slot, topic, partition, records }, index) => ({
          slot,
          records: records.map(({ key, headers, value }, rank) => new WrittenRecord(topic, partition, (bases[index] as number) + rank, key, headers ?? noHeaders, value, at)),
        }));
      },
    };
  }

  private place(part: WritePart, bySlot: Map<number, Slot>): { readonly slot: Slot; readonly rank: number } {
    let slot = bySlot.get(part.slot);
    if (!slot) {
      slot = { slot: part.slot, topic: part.topic, ...this.slotOf(part), records: [], claims: false, fenced: undefined, no: 0 };
      bySlot.set(part.slot, slot);
    }
    const rank = slot.records.length;
    for (const record of part.records) slot.records.push(record);
    return { slot, rank };
  }

  private add({ no, topicNo, partition, records, claims, fenced }: Slot): void {
    this.slotTopic.integer(topicNo);
    this.slotPartition.integer(partition);
    this.slotCount.integer(records.length);
    this.slotClaims.boolean(claims);
    this.slotFence.bigint(fenced?.fence ?? noClaim);
    let rank = 0;
    for (const { key, headers, value } of records) {
      this.recordSlot.integer(no);
      this.recordRank.integer(rank++);
      this.key.text(key);
      this.headers.text(storedHeaders(key, headers));
      if (typeof value === 'string') this.value.text(value);
      else this.value.blob(value);
    }
  }
}

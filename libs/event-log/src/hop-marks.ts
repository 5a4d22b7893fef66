import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Batch, EventLog, GroupReader, LogRecord, NewRecord, Outgoing, OwnedPartition, OwnerOptions, Subscription, TailReader, Urgency } from './port.js';

type What = 'send' | 'sent' | 'take' | 'append' | 'appended' | 'task' | 'tail';

interface Mark {
  /** Microseconds of the machine's monotonic clock, the same for every process on it. */
  readonly at: number;
  readonly what: What;
  readonly records: readonly (LogRecord | NewRecord)[];
}

/** More than a measurement needs; what comes after is not marked. */
const marksAtMost = 200_000;

/**
 * With `RUNLOG_HOP_MARKS=<folder>` a process notes when commands, events and tasks pass through its log, and writes it there when the log stops: what
 * `npm run bench` makes its table of hops from. Without the setting the log is given back as it is.
 */
export const withHopMarks = (log: EventLog, folder = process.env.RUNLOG_HOP_MARKS): EventLog => (folder ? marked(log, folder) : log);

const marked = (log: EventLog, folder: string): EventLog => {
  const marks: Mark[] = [];
  const mark = (what: What, records: Mark['records']): void => {
    if (marks.length < marksAtMost) marks.push({ at: Number(process.hrtime.bigint() / 1_000n), what, records });
  };
  const heard = (what: What, handle: (batch: Batch) => Promise<void>) => (batch: Batch) => {
    mark(what, batch.records);
    return handle(batch);
  };
  const own: Partial<EventLog> = {
    send: async (outgoing: readonly Outgoing[], urgency?: Urgency) => {
      const commands = outgoing.filter(({ topic }) => topic === 'execution-commands').flatMap(({ records }) => records);
      mark('send', commands);
      await log.send(outgoing, urgency);
      mark('sent', commands);
    },
    subscribe: (reader: GroupReader): Promise<Subscription> =>
      log.subscribe(reader.topic === 'node-tasks' ? { ...withMethods(reader), onBatch: heard('task', (batch) => reader.onBatch(batch)) } : reader),
    tail: (reader: TailReader): Promise<Subscription> =>
      log.tail(reader.topic === 'execution-events' ? { ...withMethods(reader), onBatch: heard('tail', (batch) => reader.onBatch(batch)) } : reader),
    own: (options: OwnerOptions): Promise<Subscription> => log.own({ ...options, run: (owned) => options.run(markedOwner(owned, mark)) }),
    stop: async () => {
      await log.stop();
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `${process.pid}.jsonl`), marks.flatMap(linesOf).join(''));
      marks.length = 0;
    },
  };
  return new Proxy(log, {
    get: (target, name) => {
      const value: unknown = Reflect.get(own, name) ?? Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
};

const withMethods = <Reader extends GroupReader | TailReader>(reader: Reader): Reader => {
  const copy = { ...reader, start: (partition: number) => reader.start(partition) };
  if ('onRevoked' in reader) Object.assign(copy, { onRevoked: (partition: number) => reader.onRevoked?.(partition) });
  return copy;
};

const markedOwner = (owned: OwnedPartition, mark: (what: What, records: Mark['records']) => void): OwnedPartition => ({
  partition: owned.partition,
  signal: owned.signal,
  lingerMs: owned.lingerMs,
  claim: () => owned.claim(),
  readEvents: (from, to) => owned.readEvents(from, to),
  append: async (records, followUps, urgency) => {
    mark('append', records);
    const landed = await owned.append(records, followUps, urgency);
    mark('appended', records);
    return landed;
  },
  commands: async function* (from) {
    for await (const records of owned.commands(from)) {
      mark('take', records);
      yield records;
    }
  },
});

/** `{ at, what, execution, ... }`, a line for each record. */
const linesOf = ({ at, what, records }: Mark): string[] =>
  records.map((record) => {
    const { ce_type: type, ce_commandid: command } = record.headers ?? {};
    const value = record.value.length > 0 && record.value.length < 65_536 ? (JSON.parse(record.value.toString()) as Record<string, unknown>) : {};
    const about = type === undefined ? { command: value.id, type: value.type, node: value.node } : { command, type, node: value.node_id };
    return `${JSON.stringify({ at, what, execution: record.key, ...about })}\n`;
  });

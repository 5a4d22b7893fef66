import { isUtf8 } from 'node:buffer';
import type { EventView } from '@runlog/contract';
import type { DecodedEvent } from '@runlog/event-log';

type OneEvent = 'id' | 'type' | 'schema_version' | 'at' | 'command_id' | 'command_offset';

/** A row of `execution_events` with one event, or with several that came together: then `value` holds what the missing columns would. */
export type EventRow<Value = Buffer | string> = Pick<EventView, 'execution_id' | 'version' | 'previous' | 'workspace_id'> & {
  /** Version of the first of several; `previous` is that one's, `version` the last one's. */
  readonly first: number | null;
  readonly value: Value;
} & { readonly [Column in OneEvent]: EventView[Column] | null };

/** What a row is read with. */
export const eventRowColumns = 'id, execution_id, first, version, type, schema_version, at, previous, command_id, command_offset, workspace_id, value';

/** Of an event in a row of several; the last three are left out where they are as of the event before. */
type Head = [id: string, type: string, schemaVersion: number, bytes: number, at?: number, commandId?: string, commandOffset?: number];

/** Bytes of values and of what tells about them in one row: three such rows fill a page. A larger event has a row to itself. */
const MOST_BYTES = 2_560;
/** About what tells of an event, without its command and without it. */
const HEAD_BYTES = 100;
/** SQL looks for them by type and into their values. */
const isAskedFor = ({ type }: DecodedEvent): boolean => type === 'NodeReused';

/** Events of one execution, in order, as rows that hold as many as fit. */
export const eventRows = (events: readonly DecodedEvent[]): EventRow[] => {
  const rows: EventRow[] = [];
  let from = 0;
  let bytes = 0;
  for (let at = 0; at < events.length; at++) {
    const event = events[at] as DecodedEvent;
    const before = events[at - 1];
    const own = HEAD_BYTES + event.value.length + (event.commandId === before?.commandId ? 0 : event.commandId.length);
    if (at > from && (bytes + own > MOST_BYTES || isAskedFor(event) || (before && (isAskedFor(before) || event.previous !== before.id)))) {
      rows.push(rowOf(events, from, at));
      from = at;
      bytes = 0;
    }
    bytes += own;
  }
  if (from < events.length) rows.push(rowOf(events, from, events.length));
  return rows;
};

const rowOf = (events: readonly DecodedEvent[], from: number, to: number): EventRow => {
  const first = events[from] as DecodedEvent;
  const last = events[to - 1] as DecodedEvent;
  const common = { execution_id: first.executionId, version: last.version, previous: first.previous, workspace_id: first.workspaceId };
  if (first === last)
    return {
      ...common,
      first: null,
      id: first.id,
      type: first.type,
      schema_version: first.schemaVersion,
      at: first.at,
      command_id: first.commandId,
      command_offset: first.commandOffset,
      value: storable(first.value),
    };
  return {
    ...common,
    first: first.version,
    id: null,
    type: null,
    schema_version: null,
    at: null,
    command_id: null,
    command_offset: null,
    value: together(events, from, to),
  };
};

/** The heads as a line of JSON, then the values, one directly after the other. */
const together = (events: readonly DecodedEvent[], from: number, to: number): Buffer | string => {
  const heads: Head[] = [];
  const values: (Buffer | string)[] = [''];
  let before: DecodedEvent | undefined;
  for (let at = from; at < to; at++) {
    const event = events[at] as DecodedEvent;
    const value = storable(event.value);
    const bytes = typeof value === 'string' ? Buffer.byteLength(value) : value.length;
    const isSame = event.at === before?.at && event.commandOffset === before.commandOffset && event.commandId === before.commandId;
    heads.push(isSame ? [event.id, event.type, event.schemaVersion, bytes] : [event.id, event.type, event.schemaVersion, bytes, event.at, event.commandId, event.commandOffset]);
    values.push(value);
    before = event;
  }
  values[0] = `${JSON.stringify(heads)}\n`;
  return values.some((value) => typeof value !== 'string') ? Buffer.concat(values.map((value) => (typeof value === 'string' ? Buffer.from(value) : value))) : values.join('');
};

/** PostgreSQL takes UTF-8 only. */
const storable = (value: Buffer | string): Buffer | string => (typeof value === 'string' || isUtf8(value) ? value : value.toString('utf8'));

/** The events that a row holds. @throws when somebody else has written it */
export const eventsOf = (row: EventRow<string>): EventView[] => {
  const { first, ...event } = row;
  if (first === null) return [event as EventView];
  const bytes = Buffer.from(row.value);
  const line = bytes.indexOf(0x0a);
  const heads = JSON.parse(bytes.toString('utf8', 0, line)) as Head[];
  const { execution_id, workspace_id } = row;
  let { previous } = row;
  let start = line + 1;
  let [at, command_id, command_offset] = [0, '', 0];
  return heads.map(([id, type, schema_version, length, ...command], nth) => {
    if (command.length > 0) [at, command_id, command_offset] = command as [number, string, number];
    const value = bytes.toString('utf8', start, (start += length));
    const one: EventView = { id, execution_id, version: first + nth, type, schema_version, at, previous, command_id, command_offset, workspace_id, value };
    previous = id;
    return one;
  });
};

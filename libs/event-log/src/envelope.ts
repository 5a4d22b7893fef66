import type { Json, RecordedEvent } from '@runlog/execution';
import { shapeProblem } from './event-shapes.js';
import type { LogRecord, NewRecord } from './port.js';
import { UndecodableRecord } from './undecodable.js';
import { releasedUpcasters, type Upcasters } from './upcasters.js';

/** Everything of an event but its data, which are the value bytes. */
export type EventEnvelope = Omit<RecordedEvent, 'data'>;

/** An event read from the log, with the claim that it was written under and its value exactly as stored, as bytes or the same as text. */
export type DecodedEvent = RecordedEvent & { readonly claim: number; readonly value: Buffer | string };

/** `ce_type` of a claim record. */
const claimType = 'Claim';

/** The record of an event: CloudEvents attributes in `ce_*` headers (Kafka binding, binary mode), `value` as hashed into its id. */
export const encodeEvent = (event: EventEnvelope & { readonly value: Buffer | string }, claim: number): NewRecord => {
  const headers: Record<string, string> = {
    ce_specversion: '1.0',
    ce_id: event.id,
    ce_type: event.type,
    ce_source: sourceOf(event.workspaceId),
    ce_subject: event.executionId,
    ce_time: timeOf(event.at),
    ce_version: String(event.version),
    ce_schemaversion: String(event.schemaVersion),
    ce_claim: String(claim),
    ce_previous: event.previous,
    ce_commandid: event.commandId,
    ce_commandoffset: String(event.commandOffset),
    ce_workspace: event.workspaceId,
  };
  if (event.more) headers.ce_more = '1';
  if (event.traceparent) headers.traceparent = event.traceparent;
  return { key: event.executionId, headers, value: event.value };
};

/** The last answer is kept: the events of a decision have the same, and share it. */
const remembering = <Key, Value>(of: (key: Key) => Value): ((key: Key) => Value) => {
  let last: { readonly key: Key; readonly value: Value } | undefined;
  return (key) => {
    if (!last || last.key !== key) last = { key, value: of(key) };
    return last.value;
  };
};

const sourceOf = remembering((workspaceId: string) => `/workspaces/${workspaceId}`);
const timeOf = remembering((at: number) => new Date(at).toISOString());
const parsedTime = remembering((time: string) => Date.parse(time));

/** A claim: it has no value, only who claims. */
export const encodeClaim = (owner: string): NewRecord => ({ key: '', headers: { ce_specversion: '1.0', ce_type: claimType, ce_source: `/owners/${owner}` }, value: '' });

/** Events have a key, so that most readers need not look into their headers for this. */
export const isClaim = (record: LogRecord): boolean => record.key === '' && record.headers.ce_type === claimType;

/** What a record was decoded to, kept with it: where stations share a process they share its records, and nobody changes an event. */
const decoded = Symbol('decoded');

/**
 * The event in a record of the events topic, lifted to its current shape. Says nothing about whether it is void: see `AcceptedEvents`.
 * @throws UndecodableRecord
 */
export const decodeEvent = (record: LogRecord & { [decoded]?: DecodedEvent }, upcasters: Upcasters = releasedUpcasters): DecodedEvent => {
  if (upcasters !== releasedUpcasters) return decode(record, upcasters);
  record[decoded] ??= decode(record, upcasters);
  return record[decoded];
};

const decode = (record: LogRecord, upcasters: Upcasters): DecodedEvent => {
  const headers = record.headers;
  const written = { type: text(record, 'ce_type', headers.ce_type), schemaVersion: number(record, 'ce_schemaversion', headers.ce_schemaversion), data: parse(record) };
  const { type, schemaVersion, data } = upcasters.lift(written);
  const problem = shapeProblem(type, data);
  if (problem) throw new UndecodableRecord(record, problem);
  const at = parsedTime(text(record, 'ce_time', headers.ce_time));
  if (Number.isNaN(at)) throw new UndecodableRecord(record, `header 'ce_time' is '${headers.ce_time}', not a time`);
  const version = number(record, 'ce_version', headers.ce_version);
  if (version < 1) throw new UndecodableRecord(record, `its version is ${version}`);
  const event = {
    type,
    data,
    id: text(record, 'ce_id', headers.ce_id),
    previous: headers.ce_previous ?? '',
    executionId: text(record, 'ce_subject', headers.ce_subject),
    workspaceId: text(record, 'ce_workspace', headers.ce_workspace),
    version,
    schemaVersion,
    at,
    commandId: text(record, 'ce_commandid', headers.ce_commandid),
    commandOffset: number(record, 'ce_commandoffset', headers.ce_commandoffset),
    more: headers.ce_more === '1',
    claim: number(record, 'ce_claim', headers.ce_claim),
    value: record.text ?? record.value,
  } as DecodedEvent;
  if (headers.traceparent !== undefined) (event as { traceparent?: string }).traceparent = headers.traceparent;
  return event;
};

/** A message on an internal topic: its JSON is the value. */
export const encodeJson = (key: string, message: object, headers?: Readonly<Record<string, string>>): NewRecord => ({
  key,
  value: JSON.stringify(message),
  ...(headers && { headers }),
});

/** The message of a record on an internal topic. @throws UndecodableRecord when the value is not a JSON object. */
export const decodeJson = <T>(record: LogRecord): T => {
  const message = parse(record);
  if (typeof message !== 'object' || message === null || Array.isArray(message)) throw new UndecodableRecord(record, 'its value is not a JSON object');
  return message as T;
};

const parse = (record: LogRecord): Json => {
  try {
    return JSON.parse(record.text ?? record.value.toString('utf8')) as Json;
  } catch (cause) {
    throw new UndecodableRecord(record, 'its value is not JSON', { cause });
  }
};

const text = (record: LogRecord, header: string, value: string | undefined): string => {
  if (value === undefined || value === '') throw new UndecodableRecord(record, `header '${header}' is missing`);
  return value;
};

const number = (record: LogRecord, header: string, value: string | undefined): number => {
  const read = Number(text(record, header, value));
  if (!Number.isSafeInteger(read)) throw new UndecodableRecord(record, `header '${header}' is '${value}', not an integer`);
  return read;
};

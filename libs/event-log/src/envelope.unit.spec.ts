import { describe, expect, it } from '@jest/globals';
import { AcceptedEvents } from './claims.js';
import { decodeEvent, decodeJson, encodeClaim, encodeEvent, encodeJson, isClaim } from './envelope.js';
import type { LogRecord, NewRecord } from './port.js';
import { UndecodableRecord } from './undecodable.js';
import { Upcasters } from './upcasters.js';

const stored = (record: NewRecord, offset = 0): LogRecord => ({
  topic: 'execution-events',
  partition: 0,
  offset,
  key: record.key,
  headers: record.headers ?? {},
  value: Buffer.from(record.value),
  at: 0,
});

const event = {
  id: 'id-1',
  previous: '',
  type: 'NodeCompleted' as const,
  executionId: 'e1',
  workspaceId: 'default',
  version: 1,
  schemaVersion: 1,
  at: 1_700_000_000_123,
  commandId: 'c1',
  commandOffset: 5,
  more: true,
  value: '{"node_id":"a","attempt":1,"output":null}',
};

describe('the envelope', () => {
  it('brings an event back as it was, with its claim and its bytes', () => {
    const decoded = decodeEvent(stored(encodeEvent(event, 17)));
    const { value, ...rest } = event;
    expect(decoded).toEqual({ ...rest, data: JSON.parse(value), claim: 17, value: Buffer.from(value) });
  });

  it('is a CloudEvent to whoever reads headers', () => {
    expect(encodeEvent({ ...event, traceparent: '00-1-2-01' }, 17).headers).toMatchObject({
      ce_specversion: '1.0',
      ce_id: 'id-1',
      ce_type: 'NodeCompleted',
      ce_subject: 'e1',
      ce_source: '/workspaces/default',
      ce_time: '2023-11-14T22:13:20.123Z',
      traceparent: '00-1-2-01',
    });
  });

  it('refuses what is not an event, saying what is wrong', () => {
    const record = stored(encodeEvent(event, 17));
    const broken: [Partial<LogRecord>, string][] = [
      [{ value: Buffer.from('{') }, 'not JSON'],
      [{ value: Buffer.from('[]') }, 'not an object'],
      [{ value: Buffer.from('{"node_id":"a","attempt":"1","output":1}') }, "'attempt'"],
      [{ value: Buffer.from('{"node_id":"a","attempt":1}') }, "'output'"],
      [{ headers: { ...record.headers, ce_version: 'x' } }, 'ce_version'],
      [{ headers: { ...record.headers, ce_version: '0' } }, 'version'],
      [{ headers: { ...record.headers, ce_time: 'noon' } }, 'ce_time'],
      [{ headers: {} }, 'ce_type'],
    ];
    for (const [change, because] of broken) {
      const decode = () => decodeEvent({ ...record, ...change });
      expect(decode).toThrow(UndecodableRecord);
      expect(decode).toThrow(because);
    }
  });

  it('lets a type pass that this version does not know', () => {
    expect(decodeEvent(stored(encodeEvent({ ...event, type: 'FromTheFuture' as never, value: '{}' }, 1))).type).toBe('FromTheFuture');
  });

  it('lifts an old shape step by step', () => {
    const upcasters = new Upcasters()
      .register('NodeDone', 1, ({ data }) => ({ type: 'NodeDone', schemaVersion: 2, data: { ...(data as object), attempt: 1 } }))
      .register('NodeDone', 2, ({ data }) => ({ type: 'NodeCompleted', schemaVersion: 1, data }));
    const decoded = decodeEvent(stored(encodeEvent({ ...event, type: 'NodeDone' as never, value: '{"node_id":"a","output":2}' }, 1)), upcasters);
    expect(decoded).toMatchObject({ type: 'NodeCompleted', schemaVersion: 1, data: { node_id: 'a', attempt: 1, output: 2 } });
    expect(() => upcasters.register('NodeDone', 1, (written) => written)).toThrow('there is one already');
  });

  it('carries JSON messages', () => {
    const record = stored(encodeJson('k', { a: [1, 'ü'] }));
    expect(decodeJson(record)).toEqual({ a: [1, 'ü'] });
    expect(() => decodeJson({ ...record, value: Buffer.from('1') })).toThrow(UndecodableRecord);
  });
});

describe('the claim rule', () => {
  it('accepts an event only under the last claim before it', () => {
    const log = [
      stored(encodeEvent({ ...event, id: 'before any claim' }, -1), 0),
      stored(encodeClaim('a'), 1),
      stored(encodeEvent({ ...event, id: 'a1' }, 1), 2),
      stored(encodeClaim('b'), 3),
      stored(encodeEvent({ ...event, id: 'late' }, 1), 4),
      stored(encodeEvent({ ...event, id: 'b1' }, 3), 5),
    ];
    const rule = new AcceptedEvents();
    expect(log.map((record) => rule.accept(record)?.event.id ?? null)).toEqual([null, null, 'a1', null, null, 'b1']);
    expect(rule.claim).toBe(3);
    expect(log.filter(isClaim).length).toBe(2);
    expect(new AcceptedEvents(3).accept(log[5] as LogRecord)?.event.id).toBe('b1');
  });
});

import { describe, expect, it } from '@jest/globals';
import { encodeClaim, encodeEvent } from '../envelope.js';
import { readHeaders, storedHeaders } from './stored-headers.js';

const event = {
  id: 'id-1',
  previous: '',
  type: 'NodeCompleted' as const,
  executionId: 'e1',
  workspaceId: 'w"1\n',
  version: 1,
  schemaVersion: 1,
  at: 1_700_000_000_123,
  commandId: 'c1',
  commandOffset: 5,
  more: false,
  value: '{}',
};

describe('headers in the table', () => {
  it('of events are an array that gives them back', () => {
    for (const variant of [event, { ...event, more: true }, { ...event, traceparent: '00-1-2-01' }, { ...event, more: true, traceparent: '00-1-2-01' }]) {
      const { key, headers } = encodeEvent(variant, 17);
      const stored = storedHeaders(key, headers);
      expect(stored).toMatch(/^\["id-1",/);
      expect(readHeaders(key, stored)).toEqual(headers);
    }
  });

  it('of other records, and of events with another header more or less, are JSON', () => {
    const { key, headers = {} } = encodeEvent(event, 17);
    const { ce_id: _, ...without } = headers;
    for (const other of [
      encodeClaim('o').headers,
      { ...headers, dead_topic: 't' },
      without,
      { ...without, dead_topic: 't' },
      { ...headers, ce_subject: 'e2' },
      { ...headers, ce_source: '/workspaces/w"2\n' },
      {},
    ]) {
      const stored = storedHeaders(key, other);
      expect(stored).toMatch(/^\{/);
      expect(readHeaders(key, stored)).toEqual(other);
    }
    expect(readHeaders(key, storedHeaders(key, undefined))).toEqual({});
  });

  it('never change for a row that exists', () => {
    const row = '["id","NodeStarted","2026-11-22T19:24:18.175Z","5","1","0","before","c","1030","w",null,"1"]';
    const headers = {
      ce_specversion: '1.0',
      ce_subject: 'e1',
      ce_source: '/workspaces/w',
      ce_id: 'id',
      ce_type: 'NodeStarted',
      ce_time: '2026-11-22T19:24:18.175Z',
      ce_version: '5',
      ce_schemaversion: '1',
      ce_claim: '0',
      ce_previous: 'before',
      ce_commandid: 'c',
      ce_commandoffset: '1030',
      ce_workspace: 'w',
      ce_more: '1',
    };
    expect(readHeaders('e1', row)).toEqual(headers);
    expect(storedHeaders('e1', headers)).toBe(row);
    const { ce_more: _, ...withoutMore } = headers;
    expect(readHeaders('e1', row.replace(',null,"1"', ''))).toEqual(withoutMore);
  });
});

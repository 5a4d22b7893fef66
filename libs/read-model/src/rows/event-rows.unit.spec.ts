import { describe, expect, it } from '@jest/globals';
import type { DecodedEvent } from '@runlog/event-log';
import { type EventRow, eventRows, eventsOf } from './event-rows.js';

const common = { executionId: 'run', workspaceId: 'ours', schemaVersion: 1 };
const event = (version: number, more: Partial<DecodedEvent> = {}): DecodedEvent =>
  ({
    ...common,
    id: `id-${version}`,
    previous: version === 1 ? '' : `id-${version - 1}`,
    version,
    type: 'NodeStarted',
    at: 1_000 + version,
    commandId: `command-${version}`,
    commandOffset: version,
    value: JSON.stringify({ n: version }),
    ...more,
  }) as DecodedEvent;

const shown = (rows: readonly EventRow[]) => rows.map(({ first, version }) => [first, version]);
const readBack = (rows: readonly EventRow[]) => rows.flatMap((row) => eventsOf({ ...row, value: row.value.toString() }));
const views = (events: readonly DecodedEvent[]) =>
  events.map((one) => ({
    id: one.id,
    execution_id: 'run',
    version: one.version,
    type: one.type,
    schema_version: 1,
    at: one.at,
    previous: one.previous,
    command_id: one.commandId,
    command_offset: one.commandOffset,
    workspace_id: 'ours',
    value: one.value.toString(),
  }));

describe('rows of events', () => {
  it('hold events that came together, which read as they were', () => {
    const answer = { commandId: 'report "x"\n', commandOffset: 9, at: 5 };
    const events = [event(1, { value: '{"text":"ä\\u0000 𝄞"}' }), event(2, answer), event(3, answer), event(4, { ...answer, at: 6 })];
    const rows = eventRows(events);
    expect(shown(rows)).toEqual([[1, 4]]);
    expect(readBack(rows)).toEqual(views(events));
  });

  it('hold bytes as well as text', () => {
    const events = [event(4, { value: Buffer.from('{"text":"ä"}') }), event(5), event(6, { value: Buffer.from('{"text":"𝄞"}') })];
    expect(readBack(eventRows(events))).toEqual(views(events));
  });

  it('hold a lone event in columns', () => {
    const [row] = eventRows([event(7)]);
    expect(row).toMatchObject({ first: null, version: 7, id: 'id-7', type: 'NodeStarted', command_id: 'command-7', value: '{"n":7}' });
    expect(readBack([row as EventRow])).toEqual(views([event(7)]));
  });

  it('hold what SQL asks for alone', () => {
    expect(shown(eventRows([event(1), event(2), event(3, { type: 'NodeReused' }), event(4), event(5)]))).toEqual([
      [1, 2],
      [null, 3],
      [4, 5],
    ]);
  });

  it('are cut where they get too large, and where an event does not follow from the one before', () => {
    const large = { value: JSON.stringify('x'.repeat(1_200)) };
    const events = [event(1, large), event(2, large), event(3, { value: JSON.stringify('x'.repeat(9_000)) }), event(4), event(5, { previous: 'another' }), event(6)];
    expect(shown(eventRows(events))).toEqual([
      [null, 1],
      [null, 2],
      [null, 3],
      [null, 4],
      [5, 6],
    ]);
    expect(readBack(eventRows(events))).toEqual(views(events));
  });
});

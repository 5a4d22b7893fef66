import { describe, expect, it } from '@jest/globals';
import type { EventView } from '@runlog/contract';
import { chainId } from '@runlog/event-log';
import { Proving } from './proof.js';

const link = { schema_version: 1, at: 1000, command_id: 'c', command_offset: 4, workspace_id: 'w' };

const history = (types: readonly string[]): EventView[] => {
  const events: EventView[] = [];
  for (const [index, type] of types.entries()) {
    const fields = { ...link, execution_id: 'e', version: index + 1, type, previous: events.at(-1)?.id ?? '', value: `{"n":${index}}` };
    const { execution_id: executionId, schema_version: schemaVersion, command_id: commandId, command_offset: commandOffset, workspace_id: workspaceId } = fields;
    events.push({ ...fields, id: chainId({ ...fields, executionId, schemaVersion, commandId, commandOffset, workspaceId }) });
  }
  return events;
};

const whole = history(['ExecutionCreated', 'ExecutionQueued', 'ExecutionStarted', 'ExecutionCompleted']);
const row = { version: 4, tip: whole[3]?.id ?? '' };

const prove = (events: readonly EventView[]) => {
  const proving = new Proving('e');
  for (const event of events) proving.add(event);
  return proving.proof(row);
};

describe('a proof', () => {
  it('is valid for the history as recorded', () => {
    const { valid, length, tip, events } = prove(whole);
    expect([valid, length, tip]).toEqual([true, 4, row.tip]);
    expect(events[1]).toEqual({ version: 2, id: whole[1]?.id, previous: whole[0]?.id, type: 'ExecutionQueued' });
  });

  it.each([
    ['a changed value', whole.map((event, at) => (at === 1 ? { ...event, value: '{"n":9}' } : event))],
    ['a changed time', whole.map((event, at) => (at === 1 ? { ...event, at: 1001 } : event))],
    ['a dropped event', whole.filter((_, at) => at !== 1)],
    ['a dropped end', whole.slice(0, 3)],
    ['an inserted event', [...whole, ...history(['A', 'B', 'C', 'D', 'E']).slice(4)]],
    ['swapped events', [whole[0], whole[2], whole[1], whole[3]] as EventView[]],
    ['another history', history(['A', 'B', 'C', 'D'])],
  ])('is not for %s', (_, events) => {
    expect(prove(events).valid).toBe(false);
  });
});

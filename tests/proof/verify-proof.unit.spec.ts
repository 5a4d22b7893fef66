import { describe, expect, it } from '@jest/globals';
import { chainId } from '@runlog/event-log';
// The verifier is plain JavaScript on purpose: it shares nothing with what it checks.
// @ts-expect-error it has no types
import { eventsIn, findings } from '../../deploy/local/verify-proof.mjs';

interface Event {
  readonly id: string;
  readonly previous: string;
  readonly version: number;
  readonly type: string;
  readonly data: object;
  readonly [member: string]: unknown;
}

/** A history as the API shows it, chained by Runlog's own code. */
const history = (...types: string[]): Event[] => {
  const events: Event[] = [];
  for (const [index, type] of types.entries()) {
    const [executionId, workspaceId, commandId, at] = ['execution-1', 'workspace-1', `command-${index}`, Date.UTC(2026, 10, 22) + index];
    const data = { step: index, text: 'naïve "quoted" \u0000 \ud83d\ude00', nested: { list: [1, 2.5, null] } };
    const previous = events.at(-1)?.id ?? '';
    const version = index + 1;
    const id = chainId({ previous, executionId, version, type, schemaVersion: 1, commandId, commandOffset: index, workspaceId, at, value: JSON.stringify(data) });
    const names = { execution_id: executionId, workspace_id: workspaceId, command_id: commandId, command_offset: index, schema_version: 1 };
    events.push({ object: 'event', id, previous, version, type, at: new Date(at).toISOString(), data, ...names });
  }
  return events;
};

const whole = history('ExecutionCreated', 'ExecutionQueued', 'ExecutionStarted', 'NodeCompleted', 'ExecutionCompleted');
const proof = { execution_id: 'execution-1', valid: true, length: 5, tip: whole[4]?.id };
const changed = (at: number, change: object): Event[] => whole.map((event, index) => (index === at ? { ...event, ...change } : event));

describe('the offline verifier', () => {
  it('finds nothing wrong with what was recorded, also when more has happened since the proof', () => {
    expect(findings(whole)).toEqual([]);
    expect(findings(whole, proof)).toEqual([]);
    expect(findings(whole, { ...proof, length: 3, tip: whole[2]?.id })).toEqual([]);
  });

  it.each([
    ['data', { data: { step: 9 } }],
    ['type', { type: 'NodeFailed' }],
    ['time', { at: '2026-11-22T00:00:09.000Z' }],
    ['command', { command_id: 'another' }],
  ])('finds an event whose %s was changed', (_, change) => {
    expect(findings(changed(3, change))).toEqual([expect.stringContaining('version 4')]);
  });

  it('finds a change that was hidden by a new id, at the event after it', () => {
    const [, , , forged] = history('ExecutionCreated', 'ExecutionQueued', 'ExecutionStarted', 'NodeFailed') as [Event, Event, Event, Event];
    expect(findings(changed(3, forged))).toEqual([expect.stringContaining('version 5 (ExecutionCompleted) does not follow')]);
  });

  it('finds a dropped event, also when those after it were numbered anew', () => {
    expect(findings(whole.filter((_, at) => at !== 2))).toEqual(['version 3 is missing']);
    const renumbered = whole.filter((_, at) => at !== 2).map((event, at) => ({ ...event, version: at + 1 }));
    expect(findings(renumbered)).toEqual(expect.arrayContaining([expect.stringContaining('version 3 (NodeCompleted) does not follow')]));
  });

  it('finds an inserted event', () => {
    const inserted = [...whole.slice(0, 3), whole[3], ...whole.slice(3)] as Event[];
    expect(findings(inserted)).toEqual([expect.stringContaining('version 4 (NodeCompleted) comes where version 5 is due')]);
    const numbered = inserted.map((event, at) => ({ ...event, version: at + 1 }));
    expect(findings(numbered).length).toBeGreaterThan(0);
  });

  it('finds an end that was dropped or made up anew, against a proof kept before', () => {
    expect(findings(whole.slice(0, 4), proof)).toEqual(['there are 4 events, and the proof has 5', 'event 5 is not the one that the proof ends with']);
    const rewritten = history('ExecutionCreated', 'ExecutionQueued', 'ExecutionStarted', 'NodeCompleted', 'ExecutionFailed');
    expect(findings(rewritten)).toEqual([]);
    expect(findings(rewritten, proof)).toEqual(['event 5 is not the one that the proof ends with']);
  });

  it('reads pages one after the other', () => {
    const page = (data: Event[]) => JSON.stringify({ object: 'list', data, has_more: true });
    expect(eventsIn(`${page(whole.slice(0, 2))}\n${page(whole.slice(2))}`)).toEqual(whole);
    expect(eventsIn(whole.map((event) => JSON.stringify(event)).join('\n'))).toEqual(whole);
  });
});

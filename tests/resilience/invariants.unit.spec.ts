import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from '@jest/globals';

// biome-ignore lint/suspicious/noExplicitAny: facts are broken on purpose, in any shape
type Loose = any;
const load = (file: string): Promise<Loose> => import(pathToFileURL(resolve('tests/resilience', file)).href);
const { all } = (await load('invariants.mjs')) as { all: Record<string, (facts: Loose) => string[]> };
const { idOf } = (await load('independent-log.mjs')) as { idOf(event: Loose): string };

const begun = Date.parse('2026-01-02T03:04:05.000Z');

const history: [string, object?, number?][] = [
  ['ExecutionCreated'],
  ['ExecutionQueued'],
  ['ExecutionStarted'],
  ['NodeWaiting', { node_id: 'wait', attempt: 1, until: begun + 1000 }],
  ['NodeCompleted', { node_id: 'wait', attempt: 1 }, 1100],
  ['NodeStarted', { node_id: 'a', attempt: 1 }, 1200],
  ['NodeCompleted', { node_id: 'a', attempt: 1 }, 1300],
  ['ApprovalRequested', { node_id: 'ask', gate_id: 'ask.1' }, 1300],
  ['ExecutionSuspended', {}, 1300],
  ['ResponseReceived', { node_id: 'ask', gate_id: 'ask.1', accepted: true }, 1400],
  ['ExecutionResumed', {}, 1400],
  ['ExecutionCompleted', {}, 1400],
];

/** Ids and the chain anew, so that only what a test broke is broken. */
const chained = (events: Loose[]): Loose[] => {
  let previous = '';
  return events.map((event, i) => {
    const linked = { ...event, version: i + 1, previous, value: Buffer.from(JSON.stringify(event.data)) };
    previous = idOf(linked);
    return { ...linked, id: previous };
  });
};

/** One healthy execution as a storm finds it; `change` breaks its events before the chain is made. */
const facts = (change: (events: Loose[]) => Loose[] = (events) => events): Loose => {
  const events = chained(
    change(
      history.map(([type, data = {}, ms = 0], i) => ({
        type,
        data,
        at: begun + ms,
        execution: 'e1',
        partition: 0,
        commandOffset: i,
        command: `c${i}`,
        schemaVersion: 1,
        workspace: 'w',
      })),
    ),
  );
  return {
    events,
    voids: [],
    drift: [],
    ledger: [
      { kind: 'created', id: 'e1' },
      { kind: 'answered', id: 'e1', gate: 'ask.1', by: 'first' },
    ],
    shown: new Map([['e1', { resource: { status: 'completed', version: events.length }, events: events.map(({ id }) => ({ id })) }]]),
    streams: new Map([['e1', events.map(({ id }) => id)]]),
    outageMs: 0,
    levelMs: 10,
    drainedMs: 10,
  };
};

const without = (type: string) => (events: Loose[]) => events.filter((event) => event.type !== type);
const changed = (type: string, change: object) => (events: Loose[]) => events.map((event) => (event.type === type ? { ...event, ...change } : event));
const edited = (edit: (broken: Loose) => void): Loose => {
  const broken = facts();
  edit(broken);
  return broken;
};

const planted: Record<string, Record<string, Loose>> = {
  I1: { 'an acknowledged id that is not on the log': edited(({ ledger }) => ledger.push({ kind: 'created', id: 'e2' })) },
  I2: {
    'no end': facts(without('ExecutionCompleted')),
    'two ends': facts((events) => [...events, events.at(-1)]),
    'an event after the end': facts((events) => [...events, { ...events.at(-1), type: 'NodeSkipped' }]),
  },
  I3: {
    'a version left out': edited(({ events }) => events.splice(4, 1)),
    'an event whose content was altered': edited(({ events }) => Object.assign(events[6], { value: Buffer.from('{"node_id":"a","attempt":1,"output":2}') })),
    'a chain that names another event': edited(({ events }) => Object.assign(events[6], { previous: events[1].id })),
  },
  I4: { 'a step that the status forbids': facts(without('ExecutionQueued')) },
  I5: {
    'a row that is not the fold': edited(({ drift }) => drift.push({ executionId: 'e1', because: 'its row differs' })),
    'an API that shows an older version': edited(({ shown }) => (shown.get('e1').resource.version -= 1)),
    'an API that shows another status': edited(({ shown }) => (shown.get('e1').resource.status = 'running')),
    'an API that does not know an execution': edited(({ shown }) => shown.delete('e1')),
  },
  I7: {
    'an attempt without an outcome': facts((events) => events.filter(({ type, data }) => type !== 'NodeCompleted' || data.node_id !== 'a')),
    'a node started twice at once': facts((events) => events.flatMap((event) => (event.type === 'NodeStarted' ? [event, event] : [event]))),
  },
  I8: { 'a command decided after a later one': facts(changed('ExecutionSuspended', { commandOffset: 1 })) },
  I9: {
    'a void event in a history': edited(({ voids, shown }) => shown.get('e1').events.push({ id: voids[voids.push('zombie') - 1] })),
    'a void event in a stream': edited(({ voids, streams }) => streams.get('e1').push(voids[voids.push('zombie') - 1])),
  },
  I11: {
    'a gap in a stream': edited(({ streams }) => streams.get('e1').splice(3, 1)),
    'an event told twice': edited(({ streams }) => streams.get('e1').push(streams.get('e1').at(-1))),
  },
  I12: {
    'two winners of a gate': facts((events) => events.flatMap((event) => (event.type === 'ResponseReceived' ? [event, event] : [event]))),
    'two people who were told that they won': edited(({ ledger }) => ledger.push({ kind: 'answered', id: 'e1', gate: 'ask.1', by: 'second' })),
  },
  I14: { 'read models that stay behind': edited((broken) => (broken.levelMs = 61_000)), 'executions that take too long to end': edited((broken) => (broken.drainedMs = 61_000)) },
  I16: {
    'a timer that fires early': facts(changed('NodeWaiting', { data: { node_id: 'wait', attempt: 1, until: begun + 1101 } })),
    'a timer that fires late': facts((events) =>
      events.map((event) => ({ ...event, at: event.data.node_id === 'wait' && event.type === 'NodeCompleted' ? begun + 3001 : event.at })),
    ),
  },
};

describe('the invariants of a storm', () => {
  it('hold for a healthy history, each of them', () => {
    expect(Object.fromEntries(Object.entries(all).map(([name, check]) => [name, check(facts())]))).toEqual(Object.fromEntries(Object.keys(all).map((name) => [name, []])));
  });

  it('are all tried below', () => {
    expect(Object.keys(planted)).toEqual(Object.keys(all));
  });

  for (const [name, plants] of Object.entries(planted))
    for (const [what, broken] of Object.entries(plants))
      it(`${name} finds ${what}`, () => {
        expect(all[name]?.(broken)).not.toEqual([]);
      });
});

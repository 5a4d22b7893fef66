import { describe, expect, it } from '@jest/globals';
import type { NodeTask } from '@runlog/execution';
import { Desk, type Slot } from './desk.js';
import type { NodeKind } from './kinds/node-kind.js';
import type { Sandbox } from './sandbox/sandbox.js';

const run = () => Promise.reject(new Error('no node runs here'));
const http: NodeKind = { kind: 'http', defaultTimeoutMs: 1, run };
const agent: NodeKind = { kind: 'agent', defaultTimeoutMs: 1, takesSteps: true, run };
const code: NodeKind = { kind: 'code', defaultTimeoutMs: 1, isSealed: true, capacity: ({ capacity }) => capacity, run };

/** A desk whose nodes run until they are told to end. */
const deskOf = (slots: number, capacity = 1_000) => {
  const begun: { readonly name: string; readonly slot: Slot; end(): void }[] = [];
  const desk = new Desk(slots, 1_000, { capacity } as Sandbox, (task, slot) => new Promise((end) => begun.push({ name: task.node, slot, end })));
  const take = (name: string, kind: NodeKind, bytes = 10) => void desk.take({ task: { node: name } as NodeTask, kind, bytes, passes: 0 });
  const end = async (name: string) => {
    begun
      .splice(
        begun.findIndex((one) => one.name === name),
        1,
      )[0]
      ?.end();
    await new Promise(setImmediate);
  };
  return { desk, take, end, begun: () => begun.map(({ name }) => name), slotOf: (name: string) => begun.find((one) => one.name === name)?.slot as Slot };
};

describe('Desk', () => {
  it('runs as many nodes at a time as it has slots, and agents beside them', async () => {
    const { desk, take, end, begun } = deskOf(2);
    for (const name of ['a', 'b', 'c']) take(name, http);
    take('agent', agent);
    expect(begun()).toEqual(['a', 'b', 'agent']);
    expect(desk).toMatchObject({ running: 3, free: 0, backlog: 1 });
    await end('b');
    expect(begun()).toEqual(['a', 'agent', 'c']);
  });

  it('runs more nodes that only compute, as far as sandboxes get through them, and none of them in the way of others', async () => {
    const { desk, take, end, begun } = deskOf(2);
    for (let n = 0; n < 10; n++) take(`code ${n}`, code);
    expect(begun()).toHaveLength(8);
    take('http', http);
    expect(begun().at(-1)).toBe('http');
    expect(desk).toMatchObject({ running: 9, free: 0, backlog: 2 });
    await end('code 3');
    expect(begun().at(-1)).toBe('code 8');
    const slow = deskOf(2, 3);
    for (let n = 0; n < 10; n++) slow.take(`code ${n}`, code);
    expect(slow.begun()).toHaveLength(3);
  });

  it('runs one for each slot while those that compute are large', async () => {
    const { take, end, begun } = deskOf(4);
    for (let n = 0; n < 12; n++) take(`code ${n}`, code, 10 * 1024 * 1024);
    expect(begun()).toHaveLength(4);
    for (let n = 0; n < 12; n++) await end(`code ${n}`);
    expect(begun()).toEqual([]);
  });

  it('lets a slot go on with another kind where that has room', () => {
    const { desk, take, begun, slotOf } = deskOf(1);
    take('code', code);
    take('http', http);
    take('later', http);
    expect(begun()).toEqual(['code', 'http']);
    expect(desk.turn(slotOf('code'), http)).toBe(false);
    expect(desk.turn(slotOf('http'), code)).toBe(true);
    expect(begun()).toEqual(['code', 'http', 'later']);
    expect(desk.running).toBe(3);
  });

  it('gives back what came last', () => {
    const { desk, take, begun } = deskOf(1);
    for (const name of ['a', 'b', 'c', 'd']) take(name, http);
    let most = 2;
    expect(desk.release(() => most-- > 0).map(({ task }) => task.node)).toEqual(['d', 'c']);
    expect(desk.backlog).toBe(1);
    take('code', code);
    expect(begun()).toEqual(['a', 'code']);
  });
});

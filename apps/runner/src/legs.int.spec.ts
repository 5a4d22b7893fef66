import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { CommandOf, ExecutionCommand, LegNode, NodeTask } from '@runlog/execution';
import { startTestDatabase, type TestDatabase, until } from '@runlog/testing';
import { Engine } from './testing/engine.js';
import { Sink } from './testing/fixture.js';

type Completed = CommandOf<'CompleteNode'>;

describe('a leg', () => {
  let server: TestDatabase;
  let engine: Engine;
  beforeAll(async () => (server = await startTestDatabase()), 60_000);
  afterAll(() => server.stop());
  beforeEach(async () => (engine = await Engine.open(server)));
  afterEach(() => engine.close());

  const step = (node: string, source: string, reads: string[] = [], rest: Partial<LegNode> = {}): LegNode => ({
    node,
    kind: 'code',
    config: { source },
    timeoutMs: null,
    effect: null,
    reads,
    ...rest,
  });
  const told = (commands: readonly ExecutionCommand[]) => commands.map((command) => `${command.type} ${(command as Completed).node}`);
  const give = (source: string, nodes: LegNode[], outputs: NonNullable<NodeTask['leg']>['outputs'] = {}) => engine.give({ node: 'a', config: { source }, leg: { nodes, outputs } });
  const reported = (task: NodeTask, node: string, type: ExecutionCommand['type'] = 'CompleteNode') =>
    until(`${type} of ${node}`, async () => {
      const commands = await engine.commands(task);
      return commands.some((command) => command.type === type && (command as Completed).node === node) && commands;
    });

  it('runs one node after the other, each start on the log with the result before it', async () => {
    const { id } = await engine.runner();
    const task = await give('return input.x', [step('b', 'return nodes.a + nodes.early', ['early', 'a']), step('c', 'return [nodes.b, Object.keys(nodes)]', ['b'])], { early: 10 });
    const commands = (await reported(task, 'c')) as Completed[];
    const of = (verb: string, rest: string) => `${verb}:${task.executionId}:${rest}`;
    expect(told(commands)).toEqual(['StartNode a', 'CompleteNode a', 'CompleteNode b', 'CompleteNode c']);
    expect(commands[1]).toMatchObject({ output: 2, id: of('complete', `a.1:${id}`), begins: { node: 'b', attempt: 1, id: of('start', `b.1:${id}@a.1`) } });
    expect(commands[2]).toMatchObject({ output: 12, begunBy: commands[1]?.id, id: of('complete', `b.1:${id}@a.1`), begins: { node: 'c', id: of('start', `c.1:${id}@a.1`) } });
    expect(commands[3]).toMatchObject({ output: [12, ['b']], begunBy: commands[2]?.id });
    expect(commands[3]).not.toHaveProperty('begins');
  });

  it('ends at a failure, and at a result that is stored by reference', async () => {
    await engine.runner();
    const failing = await give('throw new Error("no")', [step('b', 'return 1')]);
    expect(told(await reported(failing, 'a', 'FailNode'))).toEqual(['StartNode a', 'FailNode a']);
    const large = await give('return "x".repeat(70_000)', [step('b', 'return 1')]);
    const commands = (await reported(large, 'a')) as Completed[];
    expect(commands[1]).not.toHaveProperty('begins');
    const late = await give('return 1', [step('b', 'throw new Error("no")', ['a']), step('c', 'return 1')]);
    expect(told(await reported(late, 'b', 'FailNode'))).toEqual(['StartNode a', 'CompleteNode a', 'FailNode b']);
  });

  it('gives up what was begun on a result that was refused', async () => {
    const sink = await Sink.open(() => undefined, '127.0.0.1');
    const runner = await engine.runner();
    const http = step('b', '', [], { kind: 'http', config: { url: `http://127.0.0.1:${sink.port}/` } });
    const task = await give('return 1', [http, step('c', 'return 1')]);
    const complete = ((await reported(task, 'a')) as Completed[])[1] as Completed;
    await until('the request of b', () => sink.hits.length === 1);
    await engine.refuse(runner, { ...complete, id: complete.begins?.id as string });
    await until('all slots are free', () => runner.describe().free === 8);
    expect(told(await engine.commands(task))).toEqual(['StartNode a', 'CompleteNode a']);
    await sink.close();
  });

  it('stops in the middle when told to', async () => {
    const sink = await Sink.open(() => undefined, '127.0.0.1');
    const runner = await engine.runner();
    const task = await give('return 1', [step('b', '', [], { kind: 'http', config: { url: `http://127.0.0.1:${sink.port}/` } }), step('c', 'return 1')]);
    await until('the request of b', () => sink.hits.length === 1);
    const { executionId, workspaceId } = task;
    await engine.reply(runner, { type: 'stop', executionId, workspaceId, node: 'b', attempt: 1, reason: 'cancelled' });
    expect(told(await reported(task, 'b', 'StopNode'))).toEqual(['StartNode a', 'CompleteNode a', 'StopNode b']);
    await sink.close();
  });

  it('leaves the rest to others when its runner stops: the node that runs is finished', async () => {
    const held: (() => void)[] = [];
    const sink = await Sink.open((_hit, response) => void held.push(() => response.end('{}')), '127.0.0.1');
    const runner = await engine.runner({ stopWithinMs: 30_000 });
    const url = `http://127.0.0.1:${sink.port}/`;
    const task = await engine.give({ node: 'a', kind: 'http', config: { url }, leg: { nodes: [step('b', 'return 1')], outputs: {} } });
    await until('the request of a', () => held.length === 1);
    const stopped = runner.stop();
    await until('it says that it stops', async () => (await engine.heartbeats(runner)).at(-1)?.stopping === true);
    held[0]?.();
    await stopped;
    const commands = (await engine.commands(task)) as Completed[];
    expect(told(commands)).toEqual(['StartNode a', 'CompleteNode a']);
    expect(commands[1]).not.toHaveProperty('begins');
    await sink.close();
  });

  it('changes from kind to kind in one slot', async () => {
    const sink = await Sink.open(undefined, '127.0.0.1');
    const runner = await engine.runner({ slots: 1 });
    const task = await engine.give({
      node: 'a',
      kind: 'http',
      config: { url: `http://127.0.0.1:${sink.port}/` },
      leg: { nodes: [step('b', 'return 1'), step('c', 'return 2')], outputs: {} },
    });
    expect(told(await reported(task, 'c'))).toEqual(['StartNode a', 'CompleteNode a', 'CompleteNode b', 'CompleteNode c']);
    await until('the slot is free', () => runner.describe().free === 1);
    await engine.told(await engine.give({}), 'CompleteNode');
    await sink.close();
  });
});

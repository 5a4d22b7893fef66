import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { chainId, ProgressMismatch } from '@runlog/event-log';
import type { TestDatabase } from '@runlog/testing';
import { uuidv7 } from 'uuidv7';
import { chain, Fixture, fan, node, startTestDatabase, transform, until } from './testing/fixture.js';
import { holding } from './testing/holding.js';

const five = chain('five', [
  transform('one', 'input.n + 1'),
  transform('two', 'nodes.one * 2'),
  node('large', 'condition', { expression: 'nodes.two > 4' }),
  transform('text', '"n is " & nodes.two'),
  transform('end', '{ "text": nodes.text, "large": nodes.large }'),
]);

jest.setTimeout(60_000);

describe('commands', () => {
  let server: TestDatabase;
  let fixture: Fixture;
  const services: { stop(): Promise<void> }[] = [];
  const serve = async (...options: Parameters<Fixture['service']>) => {
    const started = await fixture.service(...options);
    services.push(started);
    return started;
  };

  beforeAll(async () => {
    server = await startTestDatabase();
  });
  afterAll(() => server?.stop());
  beforeEach(async () => {
    fixture = await Fixture.open(server);
  });
  afterEach(async () => {
    await Promise.all(services.splice(0).map((service) => service.stop()));
    await fixture.close();
  });

  it('runs pure nodes to their end in the step that creates the execution', async () => {
    await serve();
    const create = fixture.create(await fixture.publish(five), { n: 2 });
    await fixture.send(create);
    const events = await fixture.reaches(create.executionId, 'ExecutionCompleted');
    expect(events.map(({ type }) => type)).toEqual(['ExecutionCreated', 'ExecutionQueued', 'ExecutionStarted', ...Array(5).fill('NodeCompleted'), 'ExecutionCompleted']);
    expect(events.at(-1)?.data).toEqual({ output: { text: 'n is 6', large: true } });
    expect(events.map(({ version }) => version)).toEqual(events.map((_, index) => index + 1));
    for (const [index, event] of events.entries()) {
      expect(event.previous).toBe(events[index - 1]?.id ?? '');
      expect(chainId(event)).toBe(event.id);
    }
  });

  it('goes on after a restart at the command where it stopped, from the stored state', async () => {
    const version = await fixture.publish(
      chain('work', [transform('before', 'input.n'), node('work', 'code', { source: 'return nodes.before;' }), transform('after', 'nodes.work + nodes.before')]),
    );
    const first = await serve();
    const creates = Array.from({ length: 20 }, (_, n) => fixture.create(version, { n }));
    await fixture.send(...creates);
    const tasks = await until('20 tasks', async () => {
      const found = await fixture.tasks();
      return found.length === 20 && found;
    });
    for (const { scope } of tasks) expect(scope.nodes).toEqual({ before: (scope.input as { n: number }).n });
    const start = (executionId: string) => fixture.about(executionId, 'StartNode', { node: 'work', attempt: 1, runner: 'r1' });
    const complete = (executionId: string) => fixture.about(executionId, 'CompleteNode', { node: 'work', attempt: 1, runner: 'r1', output: 100 });
    for (const { executionId } of creates.slice(0, 10)) await fixture.send(start(executionId), complete(executionId));
    await fixture.reaches(creates[9]?.executionId as string, 'ExecutionCompleted');
    await first.stop();
    services.length = 0;
    for (const { executionId } of creates.slice(10)) await fixture.send(start(executionId), complete(executionId));
    await serve();
    for (const [n, { executionId }] of creates.entries()) {
      const events = await fixture.reaches(executionId, 'ExecutionCompleted');
      expect(events.at(-1)?.data).toEqual({ output: 100 + n });
      expect(new Set(events.map((event) => event.version)).size).toBe(events.length);
    }
    for (let partition = 0; partition < 4; partition++) {
      const offsets = (await fixture.accepted(partition)).map((event) => event.commandOffset);
      expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    }
  });

  it('sends the tasks again that its predecessor may not have sent', async () => {
    const version = await fixture.publish(chain('task', [node('work', 'code', { source: 'return 1;' })]));
    const first = await serve();
    const create = fixture.create(version);
    await fixture.send(create);
    await until('the task', async () => (await fixture.tasks()).length === 1);
    await first.stop();
    services.length = 0;
    // As if it had died before it came to a checkpoint.
    await fixture.catalog.database.query('truncate engine_partitions, engine_state');
    await serve();
    const again = await until('the task once more', async () => {
      const tasks = await fixture.tasks();
      return tasks.length === 2 && tasks;
    });
    expect(again[1]).toMatchObject({ executionId: create.executionId, node: 'work', attempt: 1 });
  });

  it('records a wide fan-out in slices of at most 256 events, all but the last saying more', async () => {
    await serve();
    const create = fixture.create(
      await fixture.publish(
        fan(
          'wide',
          Array.from({ length: 600 }, (_, n) => transform(`n${n}`, `${n}`)),
        ),
      ),
    );
    await fixture.send(create);
    const events = await fixture.reaches(create.executionId, 'ExecutionCompleted');
    expect(events).toHaveLength(604);
    const ends = events.flatMap((event, index) => (event.more ? [index] : []));
    expect(ends.length).toBeGreaterThanOrEqual(2);
    for (const [nth, end] of ends.entries()) expect(end - (ends[nth - 1] ?? -1)).toBeLessThanOrEqual(256);
    expect(events.at(-1)?.data).toEqual({ output: Object.fromEntries(Array.from({ length: 600 }, (_, n) => [`n${n}`, n])) });
  });

  it('goes on in the middle of a command whose first slices were recorded', async () => {
    const definition = fan(
      'halves',
      Array.from({ length: 600 }, (_, n) => transform(`n${n}`, `${n}`)),
    );
    const create = fixture.create(await fixture.publish(definition));
    const frozen = holding();
    const first = await serve({ wrap: frozen.wrap });
    await until('ready', () => first.service.describe().length === 4 && first.service.describe().every((line) => line.includes('ready')));
    frozen.letThrough(1);
    await fixture.send(create);
    await until('an append that is held', () => frozen.held > 0);
    const before = await fixture.events(create.executionId);
    expect(before.at(-1)?.more).toBe(true);
    await serve({ group: 'successors' });
    const events = await fixture.reaches(create.executionId, 'ExecutionCompleted');
    expect(events).toHaveLength(604);
    expect(new Set(events.map((event) => event.commandOffset)).size).toBe(1);
    frozen.release();
  });

  it('lets nothing leave that a zombie decided, and voids what it wrote', async () => {
    const version = await fixture.publish(chain('task', [node('work', 'code', { source: 'return 1;' })]));
    const frozen = holding();
    const zombie = await serve({ wrap: frozen.wrap });
    await until('ready', () => zombie.service.describe().length === 4 && zombie.service.describe().every((line) => line.includes('ready')));
    frozen.hold();
    const create = fixture.create(version);
    await fixture.send(create);
    await until('an append that is held', () => frozen.held > 0);
    const again = fixture.about(create.executionId, 'CompleteNode', { node: 'work', attempt: 1, runner: 'r1', output: 1, replyTo: 'gateway-1' });
    await fixture.send(again);
    expect([await fixture.tasks(), await fixture.replies('gateway-1')]).toEqual([[], []]);
    const successor = await serve({ group: 'successors' });
    await until('its task', async () => (await fixture.tasks()).length > 0);
    frozen.release();
    await until('the zombie to claim again', () => zombie.service.describe().some((line) => line.includes('ready')));
    await successor.stop();
    services.splice(services.indexOf(successor), 1);
    const events = await fixture.events(create.executionId);
    expect(events.map(({ type }) => type)).toEqual(['ExecutionCreated', 'ExecutionQueued', 'ExecutionStarted', 'NodeScheduled']);
    expect((await fixture.replies('gateway-1')).every((reply) => reply.type === 'refused')).toBe(true);
  });

  it('moves an undecodable command to the dead letters and goes on', async () => {
    await serve();
    const version = await fixture.publish(five);
    const poisoned = fixture.create(version, { n: 1 });
    const { executionId } = poisoned;
    await fixture.sendRaw(
      { executionId, record: { key: executionId, value: '{"type":' } },
      { executionId, record: { key: executionId, value: JSON.stringify({ ...poisoned, type: 'Explode' }) } },
    );
    await fixture.send(poisoned);
    await fixture.reaches(executionId, 'ExecutionCompleted');
    const dead = await fixture.records('dead-letters');
    expect(dead.map((record) => record.headers.dead_because)).toEqual([expect.stringContaining('not JSON'), expect.stringContaining("no command 'Explode'")]);
  });

  it('refuses a command that it cannot decide, records what came from inside, and goes on', async () => {
    await serve();
    const version = await fixture.publish(chain('task', [node('work', 'code', { source: 'return 1;' })]));
    const create = fixture.create(version);
    const { executionId } = create;
    const broken = fixture.about(executionId, 'FireTimer', { timer: null, replyTo: 'scheduler-1' });
    const start = fixture.about(executionId, 'StartNode', { node: 'work', attempt: 1, runner: 'r1' });
    await fixture.send(create, broken, start);
    const events = await fixture.reaches(executionId, 'NodeStarted');
    expect(events.find(({ type }) => type === 'ExecutionFaulted')?.data).toMatchObject({ command_type: 'FireTimer' });
    expect(await fixture.replies('scheduler-1')).toEqual([expect.objectContaining({ type: 'refused', rejection: expect.objectContaining({ reason: 'fault' }) })]);
  });

  it('refuses a command whose decision breaks off half-way, keeps none of its events, and goes on', async () => {
    await serve();
    const broken = fixture.create(await fixture.publish(chain('broken', [transform('one', '1'), node('two', 'transform', null as never)])), { n: 1 }, { replyTo: 'gateway-1' });
    const sound = fixture.create(await fixture.publish(five), { n: 1 }, { executionId: `${broken.executionId.slice(0, -2)}00` });
    await fixture.send(broken, sound, fixture.create(sound.created.workflow_version_id, { n: 1 }));
    await fixture.reaches(sound.executionId, 'ExecutionCompleted');
    const replies = await until('the refusal', async () => {
      const found = await fixture.replies('gateway-1');
      return found.length > 0 && found;
    });
    expect(replies).toEqual([expect.objectContaining({ type: 'refused', commandId: broken.id })]);
    expect(await fixture.events(broken.executionId)).toEqual([]);
  });

  it('answers a command that comes again from the record, also when its execution has ended and left memory', async () => {
    const version = await fixture.publish(five);
    const create = fixture.create(version, { n: 1 }, { replyTo: 'gateway-1' });
    const first = await serve();
    await fixture.send(create, create);
    const events = await fixture.reaches(create.executionId, 'ExecutionCompleted');
    await until('the answer', async () => (await fixture.replies('gateway-1')).length === 1);
    await first.stop();
    services.length = 0;
    await serve();
    await fixture.send(create, { ...create, id: uuidv7() });
    const replies = await until('both answers', async () => {
      const found = await fixture.replies('gateway-1');
      return found.length === 3 && found;
    });
    expect(replies[1]).toMatchObject({ type: 'unchanged', commandId: create.id, version: events.length });
    expect(replies[2]).toMatchObject({ type: 'refused', rejection: { rejected: 'AlreadyExists' } });
    expect(await fixture.events(create.executionId)).toHaveLength(events.length);
  });

  it('stops the runners of running nodes when a cancel is asked for', async () => {
    await serve();
    const version = await fixture.publish(fan('two', [node('a', 'code', { source: 'return 1;' }), node('b', 'code', { source: 'return 1;' })]));
    const create = fixture.create(version);
    const { executionId } = create;
    await fixture.send(create, fixture.about(executionId, 'StartNode', { node: 'a', attempt: 1, runner: 'r1' }));
    await fixture.send(fixture.about(executionId, 'CancelExecution', { by: 'user:u1' }), fixture.about(executionId, 'StopNode', { node: 'a', attempt: 1, runner: 'r1' }));
    await fixture.reaches(executionId, 'ExecutionCancelled');
    expect(await fixture.replies('r1')).toEqual([{ type: 'stop', executionId, workspaceId: fixture.workspaceId, node: 'a', attempt: 1, reason: 'cancelled' }]);
  });

  it('tells the runner of an at-most-once node that it may begin, and sends a reminded task again', async () => {
    await serve();
    const version = await fixture.publish(chain('once', [node('pay', 'http', { method: 'POST', url: 'http://127.0.0.1/' }, { effect: 'at_most_once' })]));
    const create = fixture.create(version);
    const { executionId } = create;
    await fixture.send(
      create,
      fixture.about(executionId, 'RemindNode', { node: 'pay', attempt: 1 }),
      fixture.about(executionId, 'StartNode', { node: 'pay', attempt: 1, runner: 'r1', replyTo: 'r1' }),
    );
    const replies = await until('the answer', async () => {
      const found = await fixture.replies('r1');
      return found.length > 0 && found;
    });
    expect(replies).toEqual([expect.objectContaining({ type: 'accepted', executionId, version: 6 })]);
    expect(await fixture.tasks()).toHaveLength(2);
  });

  it('opens gates and delays, and goes on from both, whatever happens to the owner in between', async () => {
    const version = await fixture.publish(
      chain('gated', [
        transform('amount', 'input.n'),
        node('ask', 'approval', { prompt: 'Pay {{ nodes.amount }}?' }),
        node('wait', 'delay', { seconds: 0.01 }),
        transform('end', 'nodes.ask.decision'),
      ]),
    );
    const create = fixture.create(version, { n: 7 });
    const { executionId } = create;
    const first = await serve();
    await fixture.send(create);
    const asked = await fixture.reaches(executionId, 'ExecutionSuspended');
    expect(asked.find(({ type }) => type === 'ApprovalRequested')?.data).toMatchObject({ node_id: 'ask', prompt: 'Pay 7?', gate_id: 'ask.1' });
    await first.stop();
    services.length = 0;
    await serve();
    await fixture.send(fixture.about(executionId, 'Respond', { node: 'ask', decision: 'approve', by: 'user:u1', roles: ['admin'] }));
    const waiting = await fixture.reaches(executionId, 'NodeWaiting');
    const due = waiting.flatMap(({ type, data }) => (type === 'NodeWaiting' ? [(data as { until: number }).until] : []))[0] as number;
    await fixture.send({ ...fixture.about(executionId, 'FireTimer', { timer: { kind: 'delay', node: 'wait', attempt: 1 } }), at: due });
    expect((await fixture.reaches(executionId, 'ExecutionCompleted')).at(-1)?.data).toEqual({ output: 'approve' });
  });

  it('halts with an instruction when the stored state belongs to another log', async () => {
    const first = await serve();
    const create = fixture.create(await fixture.publish(five), { n: 1 });
    await fixture.send(create);
    await fixture.reaches(create.executionId, 'ExecutionCompleted');
    await first.stop();
    services.length = 0;
    const changed = await fixture.catalog.database.query(`update engine_partitions set previous = 'another past' returning partition`);
    expect(changed.length).toBeGreaterThan(0);
    const halts: unknown[] = [];
    await serve({ onHalted: (error) => halts.push(error) });
    await until('the halt', () => halts.length >= changed.length);
    expect(halts[0]).toBeInstanceOf(ProgressMismatch);
    expect(String(halts[0])).toContain('restore the matching pair');
  });

  it('brings executions back that left memory because of its bounds', async () => {
    const { service } = await serve({ limits: { executions: 5, bytes: 1_000_000 } });
    const version = await fixture.publish(
      chain('work', [transform('before', 'input.n'), node('work', 'code', { source: 'return 1;' }), transform('after', 'nodes.work + nodes.before')]),
    );
    const creates = Array.from({ length: 100 }, (_, n) => fixture.create(version, { n }));
    await fixture.send(...creates);
    await until('the tasks', async () => (await fixture.tasks()).length === 100);
    await until('memory within its bounds', () => service.standings().every(({ live }) => live <= 5));
    for (const { executionId } of creates)
      await fixture.send(
        fixture.about(executionId, 'StartNode', { node: 'work', attempt: 1, runner: 'r1' }),
        fixture.about(executionId, 'CompleteNode', { node: 'work', attempt: 1, runner: 'r1', output: 1000 }),
      );
    for (const [n, { executionId }] of creates.entries()) expect((await fixture.reaches(executionId, 'ExecutionCompleted')).at(-1)?.data).toEqual({ output: 1000 + n });
  });
});

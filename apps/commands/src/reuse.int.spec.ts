import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Json, Reuse } from '@runlog/execution';
import type { TestDatabase } from '@runlog/testing';
import { uuidv7 } from 'uuidv7';
import { chain, Fixture, node, startTestDatabase, transform, until } from './testing/fixture.js';

jest.setTimeout(60_000);

const workflow = chain('pays', [
  node('a', 'code', { source: 'return 1;' }),
  node('ask', 'approval', { prompt: '?' }),
  node('b', 'code', { source: 'return nodes.a;' }),
  transform('end', '{ "a": nodes.a, "b": nodes.b, "by": nodes.ask.by }'),
]);

describe('an execution that reuses nodes', () => {
  let server: TestDatabase;
  let fixture: Fixture;
  const services: { stop(): Promise<void> }[] = [];
  const serve = async () => {
    const started = await fixture.service();
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

  /** What the projection wrote of an ended execution. */
  const ended = async (outputs: Record<string, Json>): Promise<Reuse> => {
    const id = uuidv7();
    for (const [name, output] of Object.entries(outputs))
      await fixture.catalog.database.query(`insert into execution_nodes (execution_id, node_id, status, state, output) values ($1, $2, 'completed', '{}', $3)`, [
        id,
        name,
        JSON.stringify(output),
      ]);
    return { source_execution_id: id, source_version: 9, nodes: Object.keys(outputs), branches: { ask: 'approved' } };
  };

  const replay = async (reuse: Reuse, replyTo?: string) => {
    const create = { ...fixture.create(await fixture.publish(workflow), {}, replyTo === undefined ? {} : { replyTo }), reuse: [reuse] };
    await fixture.send(create);
    return create.executionId;
  };

  const finish = async (id: string) => {
    await fixture.send(
      fixture.about(id, 'StartNode', { node: 'b', attempt: 1, runner: 'r1' }),
      fixture.about(id, 'CompleteNode', { node: 'b', attempt: 1, runner: 'r1', output: 'B' }),
    );
    const events = await fixture.reaches(id, 'ExecutionCompleted');
    expect(events.at(-1)?.data).toEqual({ output: { a: 'A', b: 'B', by: 'user:ann' } });
  };

  it('runs the rest on their outputs, which it names in one event and does not copy into it', async () => {
    await serve();
    const id = await replay(await ended({ a: 'A', ask: { by: 'user:ann' } }));
    const [task] = await until('the task', async () => ((await fixture.tasks()).length > 0 ? fixture.tasks() : undefined));
    expect(task).toMatchObject({ node: 'b', scope: { nodes: { a: 'A' } } });
    const events = await fixture.reaches(id, 'NodeScheduled');
    expect(events.map(({ type }) => type)).toEqual(['ExecutionCreated', 'ExecutionQueued', 'ExecutionStarted', 'NodeReused', 'NodeScheduled']);
    expect(JSON.stringify(events[3]?.data)).not.toContain('user:ann');
    await finish(id);
  });

  it.each([
    ['stored state', ''],
    ['the log alone', 'delete from engine_partitions; delete from engine_state; delete from engine_outputs'],
  ])('goes on with them after a restart from %s', async (_, forget) => {
    const first = await serve();
    const id = await replay(await ended({ a: 'A', ask: { by: 'user:ann' } }));
    await fixture.reaches(id, 'NodeScheduled');
    services.length = 0;
    await first.stop();
    for (const statement of forget.split(';').filter(Boolean)) await fixture.catalog.database.query(statement, []);
    await serve();
    await finish(id);
  });

  it('is refused, and changes nothing, where the outputs are not to be found', async () => {
    await serve();
    const id = await replay({ source_execution_id: uuidv7(), source_version: 9, nodes: ['a'], branches: {} }, 'gateway-1');
    const [reply] = await until('the reply', async () => ((await fixture.replies('gateway-1')).length > 0 ? fixture.replies('gateway-1') : undefined));
    expect(reply).toMatchObject({ type: 'refused', rejection: { reason: 'source_unreadable' } });
    expect(await fixture.events(id)).toEqual([]);
  });
});

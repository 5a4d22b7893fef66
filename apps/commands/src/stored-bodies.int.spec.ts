import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chain, Fixture, node, startTestDatabase, transform, until } from './testing/fixture.js';

let server: Awaited<ReturnType<typeof startTestDatabase>>;
let fixture: Fixture;
let engine: Awaited<ReturnType<Fixture['service']>>;

const pad = 'x'.repeat(80_000);

beforeAll(async () => {
  server = await startTestDatabase();
  fixture = await Fixture.open(server);
  engine = await fixture.service();
}, 60_000);

afterAll(async () => {
  await engine?.stop();
  await fixture?.close();
  await server?.stop();
});

const bodyOf = async (reference: unknown): Promise<unknown> => JSON.parse((await fixture.artifacts.read(fixture.workspaceId, reference as never)).toString('utf8'));

describe('a value over 64 KiB', () => {
  it('of an expression is stored, read by the next one, and handed on as it is', async () => {
    const version = await fixture.publish(
      chain('wide', [transform('a', `{ "pad": input.pad & "${'y'.repeat(10)}" }`), transform('b', 'nodes.a'), transform('n', '$length(nodes.b.pad)'), transform('c', 'nodes.b')]),
    );
    const create = fixture.create(version, { pad });
    await fixture.send(create);
    const events = await fixture.reaches(create.executionId, 'ExecutionCompleted');
    const [a, b, n, c] = events.filter(({ type }) => type === 'NodeCompleted').map(({ data }) => data as { output: unknown; output_ref?: { digest: string } });
    expect([a?.output, n?.output]).toEqual([null, pad.length + 10]);
    expect(await bodyOf(a?.output_ref)).toEqual({ pad: `${pad}yyyyyyyyyy` });
    expect([b?.output_ref, c?.output_ref]).toEqual([a?.output_ref, a?.output_ref]);
    expect(events.at(-1)?.data).toEqual({ output: null, output_ref: a?.output_ref });
    // The input came in one piece from somebody who did not store it: its event refers to it all the same.
    expect(await bodyOf((events[0]?.data as { input_ref?: unknown } | undefined)?.input_ref)).toEqual({ pad });
    for (const { value } of events) expect(value.length).toBeLessThan(8_000);
  });

  it('reaches the task of a runner by its reference, also after a restart', async () => {
    const version = await fixture.publish(chain('tasks', [transform('a', 'input'), node('b', 'code', { source: 'return nodes.a.pad;' })]));
    const create = fixture.create(version, { pad });
    await fixture.send(create);
    await fixture.reaches(create.executionId, 'NodeScheduled');
    await engine.stop();
    engine = await fixture.service();
    await fixture.send(fixture.about(create.executionId, 'RemindNode', { node: 'b', attempt: 1 }));
    const tasks = await until('the task, twice', async () => {
      const own = (await fixture.tasks()).filter(({ executionId }) => executionId === create.executionId);
      return own.length >= 2 && own;
    });
    const [first, ...again] = tasks;
    expect(first?.bodies?.nodes.a).toMatchObject({ bytes: JSON.stringify({ pad }).length });
    expect(first?.scope.nodes).toEqual({});
    for (const task of again) expect(task.bodies).toEqual(first?.bodies);
  });

  it('that is said to be stored and is not fails its node, and refuses its create', async () => {
    const missing = { digest: `sha256:${'0'.repeat(64)}`, bytes: 70_000, media_type: 'application/json' };
    const version = await fixture.publish(chain('lost', [node('a', 'code', { source: 'return 1;' })]));
    const create = fixture.create(version);
    await fixture.send(create);
    await fixture.reaches(create.executionId, 'NodeScheduled');
    const report = { node: 'a', attempt: 1, runner: 'r1' };
    await fixture.send(fixture.about(create.executionId, 'StartNode', report), fixture.about(create.executionId, 'CompleteNode', { ...report, output: null, outputRef: missing }));
    const events = await fixture.reaches(create.executionId, 'ExecutionFailed');
    expect(events.find(({ type }) => type === 'NodeFailed')?.data).toMatchObject({ error: { code: 'artifact_missing', retryable: true } });
    const refused = fixture.create(version, null, { replyTo: 'client-1' });
    await fixture.send({ ...refused, created: { ...refused.created, input_ref: missing } });
    await until('the refusal', async () => (await fixture.replies('client-1')).some((reply) => reply.type === 'refused' && reply.rejection.reason === 'artifact_missing'));
  });
});

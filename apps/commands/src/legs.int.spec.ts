import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { TestDatabase } from '@runlog/testing';
import { chain, Fixture, node, startTestDatabase, until } from './testing/fixture.js';

jest.setTimeout(60_000);

const legs = 20;
const code = (id: string, source: string) => node(id, 'code', { source });
const abc = chain('abc', [code('a', 'return 1;'), code('b', 'return nodes.a;'), code('c', 'return nodes.b;')]);
const by = (id: string) => ({ node: id, attempt: 1, runner: 'r1', replyTo: 'r1' });
const begins = (id: string) => ({ id: `start-${id}`, node: id, attempt: 1 });

describe('legs', () => {
  let server: TestDatabase;
  let fixture: Fixture;
  const services: { stop(): Promise<void> }[] = [];
  const serve = async (...options: Parameters<Fixture['service']>) => {
    const started = await fixture.service(...options);
    services.push(started);
    return started;
  };
  const stop = () => Promise.all(services.splice(0).map((service) => service.stop()));
  const refusals = async () => (await fixture.replies('r1')).flatMap((reply) => (reply.type === 'refused' ? [reply.commandId] : []));

  /** An execution whose first node runs on r1. */
  const begun = async () => {
    const create = fixture.create(await fixture.publish(abc));
    const { executionId } = create;
    await fixture.send(create, fixture.about(executionId, 'StartNode', by('a')));
    await fixture.reaches(executionId, 'NodeStarted');
    return executionId;
  };

  beforeAll(async () => {
    server = await startTestDatabase();
  });
  afterAll(() => server?.stop());
  beforeEach(async () => {
    fixture = await Fixture.open(server);
  });
  afterEach(async () => {
    await stop();
    await fixture.close();
  });

  it('need one task for a chain of nodes, and another owner goes on in the middle', async () => {
    await serve({ legs });
    const executionId = await begun();
    const report = fixture.about(executionId, 'CompleteNode', { ...by('a'), output: 1, begins: begins('b') });
    await fixture.send(report);
    const events = await until('the start of b', async () => {
      const found = await fixture.events(executionId);
      return found.some(({ type, data }) => type === 'NodeStarted' && data.node_id === 'b') && found;
    });
    expect(events.slice(-3).map(({ type, commandId }) => [type, commandId])).toEqual(['NodeCompleted', 'NodeScheduled', 'NodeStarted'].map((type) => [type, report.id]));
    await stop();
    await serve({ legs });
    await fixture.send(
      fixture.about(executionId, 'CompleteNode', { ...by('b'), output: 'stale', begunBy: 'another', begins: begins('c') }),
      fixture.about(executionId, 'CompleteNode', { ...by('b'), output: 2, begunBy: report.id, begins: begins('c') }),
    );
    const last = await until('the start of c', async () => (await fixture.events(executionId)).find(({ type, data }) => type === 'NodeStarted' && data.node_id === 'c'));
    await fixture.send(fixture.about(executionId, 'CompleteNode', { ...by('c'), output: 3, begunBy: last.commandId }));
    const history = await fixture.reaches(executionId, 'ExecutionCompleted');
    expect(history.filter(({ type }) => type === 'NodeCompleted').map(({ data }) => data)).toMatchObject([{ output: 1 }, { output: 2 }, { output: 3 }]);
    const tasks = await fixture.tasks();
    expect(tasks.map((task) => task.node)).toEqual(['a']);
    expect(tasks[0]?.leg?.nodes.map((step) => [step.node, step.reads])).toEqual([
      ['b', ['a']],
      ['c', ['b']],
    ]);
  });

  it('begin with a report that stands for the first start too; refused, with what was begun on it, where that start is', async () => {
    await serve({ legs });
    const create = fixture.create(await fixture.publish(abc));
    const { executionId } = create;
    const said = { ...by('a'), output: 1, begins: begins('b'), startedAt: create.at };
    const report = fixture.about(executionId, 'CompleteNode', said);
    await fixture.send(create, report, fixture.about(executionId, 'CompleteNode', { ...said, runner: 'r2' }));
    const events = await until('the start of b', async () => {
      const found = await fixture.events(executionId);
      return found.some(({ type, data }) => type === 'NodeStarted' && data.node_id === 'b') && found;
    });
    expect(events.slice(-4).map(({ type, commandId, at }) => [type, commandId, at])).toEqual([
      ['NodeStarted', report.id, create.at],
      ...['NodeCompleted', 'NodeScheduled', 'NodeStarted'].map((type) => [type, report.id, report.at]),
    ]);
    expect(await until('two refusals', async () => (await refusals()).length > 1 && refusals())).toEqual([`start:${executionId}:a.1:r2`, 'start-b']);
    expect((await fixture.tasks())[0]).toMatchObject({ node: 'a', startWithReport: true });
  });

  it('end at a cancel: the result is the receipt, and what was begun on it is refused', async () => {
    await serve({ legs });
    const executionId = await begun();
    await fixture.send(
      fixture.about(executionId, 'CancelExecution', { by: 'user:ann' }),
      fixture.about(executionId, 'CompleteNode', { ...by('a'), output: 1, begins: begins('b') }),
    );
    const events = await fixture.reaches(executionId, 'ExecutionCancelled');
    expect(events.slice(-3)).toMatchObject([{ type: 'CancelRequested' }, { type: 'NodeStopped', data: { node_id: 'a', outcome: 'finished' } }, { type: 'ExecutionCancelled' }]);
    expect(await until('the refusal', async () => (await refusals()).length > 0 && refusals())).toEqual(['start-b']);
  });

  it('are refused as a whole after the attempt was lost', async () => {
    await serve({ legs });
    const executionId = await begun();
    const report = fixture.about(executionId, 'CompleteNode', { ...by('a'), output: 1, begins: begins('b') });
    await fixture.send(fixture.about(executionId, 'LoseAttempt', { ...by('a'), because: 'silent' }), report);
    expect(await until('two refusals', async () => (await refusals()).length > 1 && refusals())).toEqual([report.id, 'start-b']);
    const tasks = await fixture.tasks();
    expect(tasks.map(({ node, attempt, leg }) => `${node}.${attempt} and ${leg?.nodes.length}`).sort()).toEqual(['a.1 and 2', 'a.2 and 2']);
  });

  it('go on when a report comes twice', async () => {
    await serve({ legs });
    const executionId = await begun();
    const report = fixture.about(executionId, 'CompleteNode', { ...by('a'), output: 1, begins: begins('b') });
    await fixture.send(report, report, fixture.about(executionId, 'CompleteNode', { ...by('b'), output: 2, begunBy: report.id }));
    await until('the task of c', async () => (await fixture.tasks()).some((task) => task.node === 'c'));
    expect(await refusals()).toEqual([report.id]);
  });

  it('are off where nothing may follow', async () => {
    await serve({ legs: 0 });
    await fixture.send(fixture.create(await fixture.publish(abc)));
    const [task] = await until('the task', async () => {
      const tasks = await fixture.tasks();
      return tasks.length > 0 && tasks;
    });
    expect(task).not.toHaveProperty('leg');
  });
});

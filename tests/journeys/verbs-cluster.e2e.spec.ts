import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Cluster, type Gateway, startTestCluster } from './clustered.js';
import { flawsOf, historyOf } from './histories.js';
import { until } from './until.js';
import { approval, code, delay, inSequence, publish, question, transform } from './workflows.js';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startTestCluster({ RUNLOG_RATE_LIMIT: '0' });
  const { one } = cluster;
  const quick = { approvers: { users: ['nobody'] }, reminders_seconds: [1], expires_in_seconds: 4, on_expiry: { answer: 'red' } };
  await publish(one, inSequence('pay', [approval('ask', { approvers: { needed: 2, exclude_starter: true } }), transform('paid', 'nodes.ask.decision')]));
  await publish(one, inSequence('colour', [question('ask', quick)], { output: 'nodes.ask.answer' }));
  await publish(one, inSequence('deaf', [code('loop', 'for (;;);', { timeout_ms: 60_000 }), transform('after', '1')]));
  await publish(one, inSequence('nap', [delay('rest', 3600)]));
}, 240_000);

afterAll(async () => {
  await cluster?.discard();
}, 60_000);

const created = async (gateway: Gateway, workflow: string) => {
  const { body } = await gateway.call('POST', `/api/v1/workflows/${workflow}/executions?wait=50`, {});
  return body;
};

const reaches = (gateway: Gateway, id: string, status: string) =>
  until(
    async () => {
      const { body } = await gateway.call('GET', `/api/v1/executions/${id}`);
      return body.status === status && body;
    },
    { what: `${id} to be ${status}`, timeoutMs: 50_000 },
  );

/** A person with a key of their own. */
const editor = async (name: string) => {
  const { body } = await cluster.one.call('POST', '/api/v1/api-keys', { name, role: 'editor' });
  return { authorization: `Bearer ${body.key}` };
};

describe('gates on Kafka', () => {
  it('take two of several people who ask at both gateways at once, and tell the others who decided', async () => {
    const { one, other } = cluster;
    const people = await Promise.all(['ann', 'bob', 'eve'].map(editor));
    const execution = await created(one, 'pay');
    const path = `/api/v1/executions/${execution.id}/respond`;
    expect((await other.call('POST', path, { decision: 'approve' })).body.code).toBe('starter_excluded');
    const answers = await Promise.all(people.map((headers, n) => (n % 2 ? one : other).call('POST', path, { node_id: 'ask', decision: 'approve' }, headers)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 409]);
    const refused = answers.find(({ status }) => status === 409);
    expect(refused?.body).toMatchObject({ code: 'gate_decided', state: { accepted: { gate_id: 'ask.1', decision: 'approve' } } });
    expect((await reaches(one, execution.id, 'completed')).output).toBe('approve');
    expect(flawsOf(await historyOf(other, execution.id))).toEqual([]);
  }, 90_000);

  it('remind, then expire with the outcome that they name', async () => {
    const { one, other } = cluster;
    const execution = await created(one, 'colour');
    expect((await reaches(other, execution.id, 'completed')).output).toBe('red');
    const history = await historyOf(other, execution.id);
    expect(history.map(({ type }) => type)).toEqual(expect.arrayContaining(['QuestionRequested', 'GateReminded', 'GateExpired']));
    expect(flawsOf(history)).toEqual([]);
  }, 90_000);
});

describe('a cancel on Kafka', () => {
  it('stops a node that does not listen, with a receipt; nothing starts after it', async () => {
    const { one, other } = cluster;
    const { body } = await one.call('POST', '/api/v1/workflows/deaf/executions', {});
    await until(async () => (await one.call('GET', `/api/v1/executions/${body.id}/nodes/loop`)).body.status === 'running', { what: 'the loop to run', timeoutMs: 50_000 });
    expect((await other.call('POST', `/api/v1/executions/${body.id}/cancel`, { reason: 'enough' })).status).toBe(202);
    expect(await reaches(one, body.id, 'cancelled')).toMatchObject({ status_reason: 'enough', stats: { loop: { status: 'stopped' }, after: { status: 'idle' } } });
    const receipt = (await other.call('GET', `/api/v1/executions/${body.id}/cancellation`)).body;
    expect(receipt).toMatchObject({ acknowledged: true, nodes: [{ node_id: 'loop', attempt: 1, outcome: 'stopped', ms: expect.any(Number) }] });
    expect((await one.call('POST', `/api/v1/executions/${body.id}/cancel`)).status).toBe(200);
  }, 120_000);
});

describe('explanations on Kafka', () => {
  it('are the same at either gateway, and the history is what its proof says', async () => {
    const { one, other } = cluster;
    const { id } = (await one.call('POST', '/api/v1/workflows/nap/executions', {})).body;
    const why = await until(
      async () => {
        const { body } = await other.call('GET', `/api/v1/executions/${id}/why`);
        return body.causes.length > 0 && body;
      },
      { what: 'a cause', timeoutMs: 50_000 },
    );
    expect(why.causes).toMatchObject([{ kind: 'delay', node_id: 'rest' }]);
    expect((await one.call('POST', `/api/v1/executions/${id}/cancel`)).status).toBe(200);
    const again = (await other.call('POST', `/api/v1/executions/${id}/retry`)).body;
    const diff = (await one.call('GET', `/api/v1/executions/${id}/diff/${again.id}`)).body;
    expect(diff).toMatchObject({ a: id, b: again.id, nodes: [{ node_id: 'rest', status: { a: 'stopped' } }] });
    const proof = (await other.call('GET', `/api/v1/executions/${id}/proof`)).body;
    const { findings } = (await import(pathToFileURL(resolve('deploy/local/verify-proof.mjs')).href)) as { findings(events: object[], proof: object): string[] };
    const events = (await one.call('GET', `/api/v1/executions/${id}/events?limit=1000`)).body.data;
    expect(findings(events, proof)).toEqual([]);
    expect(findings(events.toSpliced(2, 1), proof)).toContain('version 3 is missing');
    expect((await one.call('GET', `/api/v1/executions/${id}?at_version=3&fields=status,version`)).body).toEqual({ status: 'running', version: 3 });
  }, 120_000);
});

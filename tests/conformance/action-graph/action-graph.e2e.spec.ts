import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { until } from '../../journeys/until.js';
import { type Execution, misfits, type Product, startProduct, type Table } from '../product.js';
import { asking, doubling, failing, lasting } from '../workflows.js';

jest.setTimeout(90_000);

/** The members of the execution object, as the page lists them. */
const page: Table = {
  hashid: 'string',
  actions_count: 'integer',
  completed_actions_count: 'integer',
  created_at: 'timestamp',
  created_at_string: 'string',
  created_at_utc: 'timestamp',
  execution_data: 'object | null',
  failed_actions_count: 'integer',
  id: 'uuid',
  idle_actions_count: 'integer',
  key: 'string',
  log: 'object',
  name: 'string',
  object: 'string',
  running_actions_count: 'integer',
  stats: 'object',
  status: 'string',
  stopped_actions_count: 'integer',
  template: 'object',
};
const states = ['idle', 'running', 'completed', 'failed', 'stopped'];
const noop = { id: 'noop', type: 'transform', config: { expression: '1' } };

/** The graph that the statistics of the page's example imply. */
const example = {
  key: 'workflow',
  name: 'Workflow',
  nodes: ['nuvESM', 'VdBcaH', '3HLsDL', 'gYOa8U', 'nZH9BR'].map((id) => ({ ...noop, id })),
  edges: [
    ['start_of_workflow', 'nuvESM'],
    ['nuvESM', 'VdBcaH'],
    ['VdBcaH', '3HLsDL'],
    ['start_of_workflow', 'gYOa8U'],
    ['start_of_workflow', 'nZH9BR'],
    ['nZH9BR', '3HLsDL'],
  ].map(([from, to]) => ({ from, to })),
};

let product: Product;
let printed: Execution;

beforeAll(async () => {
  printed = JSON.parse(await readFile(join('tests/conformance/action-graph', 'example.json'), 'utf8'));
  product = await startProduct('action-graph');
  for (const definition of [doubling, failing, asking, lasting, example, { key: 'empty', name: 'Empty', nodes: [], edges: [] }]) await product.publish(definition);
}, 120_000);
afterAll(() => product?.discard());

const get = async (id: string, query = '') => (await product.as('GET', `/api/v1/executions/${id}${query}`)).body;
/** By name, without the values. */
const typesOf = (value: object) => Object.fromEntries(Object.entries(value).map(([name, one]) => [name, one === null ? 'null' : typeof one]));
const counted = ({ idle_actions_count, running_actions_count, completed_actions_count, failed_actions_count, stopped_actions_count }: Execution): number =>
  idle_actions_count + running_actions_count + completed_actions_count + failed_actions_count + stopped_actions_count;

describe('The execution object', () => {
  it('has every member of the page, each of its type, and no other, whatever became of it', async () => {
    const ids = [
      (await product.run('doubling', { n: 1 })).body.id,
      (await product.run('failing')).body.id,
      (await product.run('asking')).body.id,
      (await product.run('empty')).body.id,
    ];
    for (const id of ids) {
      const last = await get(id);
      const { version } = (await product.call('GET', `/api/v1/executions/${id}`)).body;
      const all = [last, ...(await Promise.all(Array.from({ length: version }, (_, at) => get(id, `?at_version=${at + 1}`))))];
      for (const one of all) {
        expect(misfits(one, page)).toEqual([]);
        expect(one.object).toBe('execution');
        expect(states).toContain(one.status);
        expect(counted(one)).toBe(one.actions_count);
      }
    }
  });

  it('is identified by id, hashid and key, and named after its workflow and run number', async () => {
    const { body } = await product.run('empty');
    const one = await get(body.id);
    expect(one.key).toMatch(/^empty_\d+$/);
    expect(one.name).toBe(`Empty ${one.key.replace('empty_', '')}`);
    expect(one.hashid).toMatch(/^[A-Za-z0-9]{5,}$/);
    for (const ref of [one.hashid, one.key]) expect(await get(ref)).toEqual(one);
  });

  it('says in its log that lines were logged', async () => {
    const { body } = await product.run('doubling', { n: 4 });
    const { log } = await until(
      async () => {
        const one = await get(body.id);
        return (one.log.last_line ?? '').length > 0 && one.log.count >= 2 && one;
      },
      { what: 'the lines' },
    );
    expect(log).toMatchObject({ count: expect.any(Number), last_line: expect.any(String), url: expect.stringMatching(/^http.*\/logs$/) });
    expect((await get((await product.run('empty')).body.id)).log).toEqual({});
  });

  it('has the data context of the execution once there is some', async () => {
    const { body } = await product.run('doubling', { n: 4 });
    expect((await get(body.id, '?at_version=3')).execution_data).toBeNull();
    expect((await get(body.id)).execution_data).toEqual({ double: 8, say: { doubled: 8 } });
  });
});

describe('The example of the page', () => {
  let at: Execution;
  beforeAll(async () => {
    const { body } = await product.run('workflow');
    const { body: history } = await product.call('GET', `/api/v1/executions/${body.id}/events`);
    const { version } = history.data.find(({ type }: { type: string }) => type === 'ExecutionStarted');
    at = await get(body.id, `?at_version=${version}&timezone=America/New_York`);
  });

  it('has its statistics when the execution has just started', () => {
    expect(at.stats).toEqual(printed.stats);
    expect(at.status).toBe(printed.status);
  });

  it('has its members, of the same types', () => {
    expect(typesOf(at)).toEqual(typesOf(printed));
  });

  it('has no data, no log lines and its key and name as printed but for the run number', () => {
    expect([at.execution_data, at.log, at.object]).toEqual([printed.execution_data, printed.log, printed.object]);
    const numberless = (text: string) => text.replace(/\d+$/, '');
    expect([numberless(at.key), numberless(at.name)]).toEqual([numberless(printed.key), numberless(printed.name)]);
  });

  it('counts every action, which is where it differs from the page: one of five is counted there, and none as idle', () => {
    expect([at.actions_count, at.idle_actions_count, counted(at)]).toEqual([5, 5, 5]);
    expect([printed.actions_count, printed.idle_actions_count]).toEqual([1, 0]);
  });

  it('ends with all of them completed and every edge open', async () => {
    const end = await get(at.id);
    expect([end.status, end.completed_actions_count, end.idle_actions_count]).toEqual(['completed', 5, 0]);
    expect(Object.entries(end.stats).map(([name, { status }]: [string, Execution]) => (name.includes('-') ? status === 'open' : status === 'completed'))).not.toContain(false);
  });

  it('has its template where the workflow is empty', async () => {
    expect((await get((await product.run('empty')).body.id)).template).toEqual(printed.template);
  });
});

describe('Times', () => {
  it('are formatted as on the page', async () => {
    const { body } = await product.run('empty');
    const one = await get(body.id, '?timezone=America/New_York');
    const [local, utc] = [Date.parse(one.created_at), Date.parse(one.created_at_utc)];
    expect(one.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d-0[45]:00$/);
    expect(one.created_at_utc).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(one.created_at_string).toMatch(/^[A-Z][a-z]{2} \d\d, \d{4} \d\d:\d\d [ap]m E[SD]T$/);
    expect(local).toBe(utc);
    const said = new Intl.DateTimeFormat('en-US', {
      timeZone: 'America/New_York',
      month: 'short',
      day: '2-digit',
      year: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      timeZoneName: 'short',
    });
    const parts = Object.fromEntries(said.formatToParts(utc).map(({ type, value }) => [type, value]));
    expect(one.created_at_string).toBe(`${parts.month} ${parts.day}, ${parts.year} ${parts.hour}:${parts.minute} ${String(parts.dayPeriod).toLowerCase()} ${parts.timeZoneName}`);
  });

  it('are in the specified time zone: the query, the header, else the one of the workspace', async () => {
    const { body } = await product.run('empty');
    const path = `/api/v1/executions/${body.id}`;
    expect((await product.as('GET', `${path}?timezone=Asia/Tokyo`)).body.created_at).toMatch(/\+09:00$/);
    expect((await product.as('GET', path, undefined, { 'Time-Zone': 'Asia/Tokyo' })).body.created_at).toMatch(/\+09:00$/);
    expect((await product.as('GET', path)).body.created_at).toMatch(/Z$/);
    expect((await product.as('GET', `${path}?timezone=Mars`)).status).toBe(400);
  });
});

describe('Status', () => {
  it('goes from idle over running to completed', async () => {
    const { body } = await product.run('doubling', { n: 2 });
    const words = await Promise.all(Array.from({ length: body.version }, async (_, index) => (await get(body.id, `?at_version=${index + 1}`)).status));
    expect(words.filter((word, index) => word !== words[index - 1])).toEqual(['idle', 'running', 'completed']);
  });

  it('is running while it waits for a person, stopped when cancelled, failed when rejected', async () => {
    const [one, two] = [(await product.run('asking')).body, (await product.run('asking')).body];
    expect((await get(one.id)).status).toBe('running');
    expect((await product.as('POST', `/api/v1/executions/${one.id}/cancel`)).body).toMatchObject({ status: 'stopped', stopped_actions_count: 1, running_actions_count: 0 });
    expect((await product.as('POST', `/api/v1/executions/${two.id}/respond`, { decision: 'reject' })).body.status).toBe('failed');
  });

  it('of nodes and edges is in the statistics, with when it came to it', async () => {
    const { body } = await product.run('doubling', { n: 2 });
    const { stats } = await get(body.id);
    for (const name of ['double', 'say'])
      expect(misfits(stats[name], { status: 'string', scheduled_at: 'timestamp', completed_at: 'timestamp', stopped_at: 'null', failed_at: 'null' })).toEqual([]);
    expect(stats['double-say']).toEqual({ status: 'open' });
    const { stats: failed, failed_actions_count } = await get((await product.run('failing')).body.id);
    expect(misfits(failed.fail, { status: 'string', scheduled_at: 'timestamp', completed_at: 'null', stopped_at: 'null', failed_at: 'timestamp' })).toEqual([]);
    expect(failed_actions_count).toBe(1);
  });
});

describe('Lists', () => {
  it('hold whole execution objects, and filter by the words of the page', async () => {
    await get((await product.run('failing')).body.id);
    for (const status of states) {
      const { body } = await product.as('GET', `/api/v1/executions?status=${status}&limit=5`);
      expect(body).toMatchObject({ object: 'list', has_more: expect.any(Boolean) });
      for (const one of body.data) {
        expect(misfits(one, page)).toEqual([]);
        expect(one.status).toBe(status);
      }
      if (['completed', 'failed', 'stopped', 'running'].includes(status)) expect(body.data.length).toBeGreaterThan(0);
    }
    expect((await product.as('GET', '/api/v1/executions?status=queued')).status).toBe(400);
    expect((await product.as('GET', '/api/v1/executions?nonsense=1')).status).toBe(200);
  });

  it('go on with starting_after and ending_before: an id or a cursor', async () => {
    const all = (await product.as('GET', '/api/v1/executions?limit=6')).body.data.map(({ id }: Execution) => id);
    const ids = async (query: string) => (await product.as('GET', `/api/v1/executions?limit=2&${query}`)).body.data.map(({ id }: Execution) => id);
    expect(await ids(`starting_after=${all[1]}`)).toEqual(all.slice(2, 4));
    expect(await ids(`ending_before=${all[4]}`)).toEqual(all.slice(2, 4));
    const { next_cursor } = (await product.as('GET', '/api/v1/executions?limit=2')).body;
    expect(await ids(`starting_after=${next_cursor}`)).toEqual(all.slice(2, 4));
    expect((await product.as('GET', '/api/v1/executions?starting_after=nothing_here')).status).toBe(400);
  });
});

describe('Monitor and control workflow executions', () => {
  it('creates, retries and replays in the same shape', async () => {
    const { status, body } = await product.as('POST', '/api/v1/workflows/empty/executions', { input: {}, colour: 'red' });
    expect(status).toBe(201);
    expect(misfits(body, page)).toEqual([]);
    await product.once(body.id, 'the end', ({ is_terminal }) => is_terminal);
    for (const verb of ['retry', 'replay']) {
      const answer = await product.as('POST', `/api/v1/executions/${body.id}/${verb}`);
      expect([answer.status, misfits(answer.body, page)]).toEqual([201, []]);
    }
  });

  it('answers problems without members of its own', async () => {
    const { status, body } = await product.as('GET', '/api/v1/executions/nowhere_1');
    expect([status, Object.keys(body).sort()]).toEqual([404, ['code', 'detail', 'errors', 'request_id', 'status', 'title', 'type']]);
  });

  it('leaves an execution that is under way idle where it has not come', async () => {
    const { body } = await product.call('POST', '/api/v1/workflows/lasting/executions');
    const one = await until(
      async () => {
        const found = await get(body.id);
        return found.stats.rest.status === 'waiting' && found;
      },
      { what: 'the delay' },
    );
    expect(one).toMatchObject({ status: 'running', actions_count: 3, completed_actions_count: 1, running_actions_count: 1, idle_actions_count: 1 });
    expect(one.stats).toMatchObject({ 'begin-rest': { status: 'open' }, 'rest-end': { status: 'closed' }, end: { status: 'idle', scheduled_at: null } });
  });
});

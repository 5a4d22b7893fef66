import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SpanResource } from '@runlog/contract';
import { callSpanId, executionSpanId } from '@runlog/execution';
import { type CollectedSpan, spansOf, startTestCollector, type TestCollector } from '@runlog/testing';
import { type ScriptedModel, startModel } from '../models/start-model.mjs';
import { type Cluster, startTestCluster } from './clustered.js';
import { until } from './until.js';

const trace = '0af7651916cd43dd8448eb211c80319c';
const caller = 'b7ad6b7169203331';

let model: ScriptedModel;
let collector: TestCollector;
let cluster: Cluster;

beforeAll(async () => {
  [model, collector] = await Promise.all([startModel(), startTestCollector()]);
  cluster = await startTestCluster({
    RUNLOG_EGRESS_ALLOW: '127.0.0.0/8',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer of-the-collector',
    OTEL_BSP_SCHEDULE_DELAY: '200',
  });
}, 180_000);

afterAll(async () => {
  await cluster?.discard();
  await Promise.all([model?.stop(), collector?.stop()]);
}, 90_000);

/** Each span once: what is exported again must be the same. */
const collected = (): CollectedSpan[] => {
  const byId = new Map<string, CollectedSpan>();
  for (const span of collector.spans.filter(({ traceId }) => traceId === trace)) {
    const before = byId.get(span.spanId);
    if (before) expect(span).toEqual(before);
    byId.set(span.spanId, span);
  }
  return [...byId.values()];
};

const flat = (span: SpanResource): SpanResource[] => [span, ...span.children.flatMap(flat)];
const nanos = (span: CollectedSpan): [bigint, bigint] => [BigInt(span.startTimeUnixNano), BigInt(span.endTimeUnixNano)];

describe('one trace of an agent, from the request to its model, over killed runners and exporters', () => {
  it('has every span once, each within its parent, at the collector as in /trace', async () => {
    await model.script('traced', {
      turns: [
        { tools: [{ name: 'count', arguments: { n: 4 } }], usage: { input: 30, cache_read: 10, output: 7 } },
        { content: 'Eight.', chunks: 2, gates: [{ name: 'held', after: 1 }] },
      ],
    });
    const agent = {
      key: 'traced',
      name: 'Traced',
      model: { provider: 'openai_compatible', name: 'gpt-5-mini', base_url: model.baseUrl('traced') },
      prompt_template: '{{ input.ask }}',
      tools: [{ name: 'count', kind: 'http', description: 'Counts', input_schema: { type: 'object' }, config: { method: 'GET', url: `${model.url}/counts` } }],
    };
    expect((await cluster.one.call('POST', '/api/v1/agents', agent)).status).toBe(201);
    const headers = { traceparent: `00-${trace}-${caller}-01` };
    const begun = await cluster.one.call('POST', '/api/v1/agents/traced/execute', { input: { ask: 'private words' }, async_mode: true }, headers);
    const { id } = begun.body as { id: string };
    expect(begun.body.trace_id).toBe(trace);

    await until(async () => (await model.gates()).held?.waiting, { what: 'the second model call to hang' });
    const live = await until(
      async () => {
        const { body } = await cluster.other.call('GET', `/api/v1/executions/${id}/trace`);
        return flat(body.root).some(({ end_at, attributes }) => end_at === null && attributes['runlog.call.key'] === 'm2') && body;
      },
      { what: 'the call under way in the trace' },
    );
    expect(live).toMatchObject({ object: 'trace', execution_id: id, trace_id: trace, status: 'running', truncated: false, root: { end_at: null } });

    const killed = ['runner-1', 'runner-2', 'queries-1', 'queries-2'];
    for (const member of killed) cluster.member(member).kill('SIGKILL');
    await model.open('held');
    await Promise.all(killed.map((member) => cluster.member(member).restart()));
    await Promise.all(killed.map((member) => cluster.member(member).ready()));
    const root = await until(() => collected().find(({ spanId }) => spanId === executionSpanId(id)), { what: 'the end of the execution at the collector' });
    await until(() => collected().some(({ kind }) => kind === 2), { what: 'the span of the request at the collector' });

    const spans = collected();
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    const server = spans.filter(({ kind }) => kind === 2);
    expect(server.map(({ name, parentSpanId, service }) => ({ name, parentSpanId, service }))).toEqual([
      { name: expect.stringMatching(/^POST \/api\/v1\/agents\/:\w+\/execute$/), parentSpanId: caller, service: 'runlog-gateway' },
    ]);
    expect(server[0]?.attributes).toMatchObject({ 'http.request.method': 'POST', 'http.response.status_code': 201, 'url.path': '/api/v1/agents/traced/execute' });
    expect(root).toMatchObject({ parentSpanId: server[0]?.spanId, name: 'execution traced', service: 'runlog', status: { code: 1 } });
    const folded = spans.filter(({ kind }) => kind !== 2);
    for (const span of folded) {
      const parent = byId.get(span.parentSpanId ?? '');
      expect({ name: span.name, parent: parent?.name }).toEqual({ name: span.name, parent: expect.any(String) });
      if (parent === undefined || parent.kind === 2) continue;
      const [[from, to], [begin, end]] = [nanos(span), nanos(parent)];
      expect({ name: span.name, within: begin <= from && from <= to && to <= end }).toEqual({ name: span.name, within: true });
    }

    const calls = folded
      .filter(({ name }) => name.startsWith('chat') || name.startsWith('execute_tool'))
      .map(({ name, attributes, status }) => [name, attributes['runlog.call.key'], status?.code]);
    expect(calls).toEqual(
      expect.arrayContaining([
        ['chat gpt-5-mini', 'm1', 1],
        ['execute_tool count', 'm1.t1', 1],
        ['chat gpt-5-mini', 'm2', 2],
      ]),
    );
    expect(calls.filter(([, key, code]) => String(key).startsWith('m2') && code === 1)).toHaveLength(1);
    // One try was lost with its runner, the last one came to its end.
    const tries = folded.filter(({ name }) => name === 'invoke_agent Traced').map(({ status }) => status?.code);
    expect([tries.filter((code) => code === 1).length, tries.includes(2)]).toEqual([1, true]);
    expect(byId.get(callSpanId(id, 'agent', 1, 'm1'))?.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai_compatible',
      'gen_ai.request.model': 'gpt-5-mini',
      'gen_ai.usage.input_tokens': 40,
      'gen_ai.usage.output_tokens': 7,
      'gen_ai.usage.cache_read.input_tokens': 10,
    });
    expect(JSON.stringify(spans)).not.toContain('private words');
    expect(collector.headers.authorization).toBe('Bearer of-the-collector');

    // What the model was sent goes on from the span of its call.
    const asked = (await model.requests('traced')).map(({ headers: sent }) => sent.traceparent?.split('-') ?? []);
    expect(asked.map(([, traceId, spanId = '']) => [traceId, byId.get(spanId)?.name])).toEqual(asked.map(() => [trace, 'chat gpt-5-mini']));
    expect(new Set(asked.map(([, , spanId]) => spanId)).size).toBe(asked.length);
    expect(asked.length).toBeGreaterThanOrEqual(3);

    const { body: shown } = await cluster.one.call('GET', `/api/v1/executions/${id}/trace`);
    expect(
      flat(shown.root)
        .map(({ span_id }) => span_id)
        .sort(),
    ).toEqual(folded.map(({ spanId }) => spanId).sort());
    const { body: otlp } = await cluster.one.call('GET', `/api/v1/executions/${id}/trace?format=otlp`);
    const plain = ({ spanId, parentSpanId, name, startTimeUnixNano, endTimeUnixNano, attributes }: CollectedSpan) => ({
      spanId,
      parentSpanId,
      name,
      startTimeUnixNano,
      endTimeUnixNano,
      attributes,
    });
    const sorted = (list: readonly CollectedSpan[]) => list.map(plain).sort((a, b) => (a.spanId < b.spanId ? -1 : 1));
    expect(sorted(spansOf(otlp))).toEqual(sorted(folded));
  }, 180_000);

  it('is gone on with by a retry in the trace of whoever asked for it, linked to what it retries', async () => {
    const workflow = {
      key: 'plain',
      name: 'Plain',
      nodes: [{ id: 'a', type: 'transform', name: 'A', config: { expression: '1' } }],
      edges: [{ from: 'start_of_workflow', to: 'a' }],
    };
    expect((await cluster.one.call('POST', '/api/v1/workflows', workflow)).status).toBe(201);
    const [first, second] = ['1'.repeat(32), '2'.repeat(32)];
    const source = await cluster.one.call('POST', '/api/v1/workflows/plain/executions?wait=50', {}, { traceparent: `00-${first}-${caller}-01` });
    const next = await cluster.one.call('POST', `/api/v1/executions/${source.body.id}/retry?wait=50`, {}, { traceparent: `00-${second}-${caller}-01` });
    expect([source.body.trace_id, next.body.trace_id]).toEqual([first, second]);
    const root = await until(() => collector.spans.find(({ spanId }) => spanId === executionSpanId(next.body.id)), { what: 'the retry at the collector' });
    expect(root).toMatchObject({ traceId: second, links: [{ traceId: first, spanId: executionSpanId(source.body.id) }] });
    const { body } = await cluster.one.call('GET', `/api/v1/executions/${next.body.id}/trace`);
    expect(body.root.links).toEqual([
      { trace_id: first, span_id: executionSpanId(source.body.id), attributes: { 'runlog.link': 'retry_of', 'runlog.execution.id': source.body.id } },
    ]);
  }, 120_000);
});

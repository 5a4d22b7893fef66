import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { executionSpanId } from '@runlog/execution';
import { askingDefinition, type RunningGateway, startGateway } from '../testing/running-gateway.js';

const trace = '0af7651916cd43dd8448eb211c80319c';

describe('GET /executions/{id}/trace', () => {
  let gateway: RunningGateway;
  let id: string;

  beforeAll(async () => {
    gateway = await startGateway();
    const key = await gateway.publish(askingDefinition);
    const { body } = await gateway.call('POST', `/api/v1/workflows/${key}/executions?wait=50`, { input: { total: 7 } }, { traceparent: `00-${trace}-b7ad6b7169203331-01` });
    id = body.id;
  }, 90_000);
  afterAll(() => gateway.stop());

  const get = (query = '', of = id) => gateway.call('GET', `/api/v1/executions/${of}/trace${query}`);

  it('is live while people are waited for, and ends with the execution', async () => {
    const { status, body } = await get();
    expect(status).toBe(200);
    expect(body).toMatchObject({ object: 'trace', execution_id: id, trace_id: trace, status: 'awaiting_approval', truncated: false });
    expect(body.root).toMatchObject({ span_id: executionSpanId(id), parent_span_id: 'b7ad6b7169203331', end_at: null, offset_ms: 0, status: 'unset' });
    const approval = { name: 'approval', end_at: null, attributes: { 'runlog.gate.kind': 'approval' } };
    expect(body.root.children).toMatchObject([
      { name: 'node ask', end_at: null, children: [approval] },
      { name: 'suspended', end_at: null, attributes: { 'runlog.suspended.reason': 'approval' } },
    ]);
    expect(JSON.stringify(body)).not.toContain('Pay 7?');

    expect((await gateway.call('POST', `/api/v1/executions/${id}/respond`, { decision: 'approve' })).status).toBe(200);
    const { body: ended } = await get();
    expect(ended).toMatchObject({ status: 'completed', span_count: 5, root: { status: 'ok', end_at: expect.any(String) } });
    expect(ended.root.children.map(({ name }: { name: string }) => name)).toEqual(['node ask', 'suspended', 'node pass']);
    expect((await get()).body).toEqual(ended);
  });

  it('is OTLP/JSON where that is asked for: the spans that have ended', async () => {
    const { status, body } = await get('?format=otlp');
    expect(status).toBe(200);
    const [{ resource, scopeSpans }] = body.resourceSpans;
    expect(resource.attributes).toEqual([{ key: 'service.name', value: { stringValue: 'runlog' } }]);
    expect(scopeSpans[0].spans).toHaveLength(5);
    for (const span of scopeSpans[0].spans)
      expect(span).toMatchObject({ traceId: trace, spanId: expect.stringMatching(/^[0-9a-f]{16}$/), startTimeUnixNano: expect.stringMatching(/^\d{19}$/) });
  });

  it('refuses formats and parameters that there are not, and is 404 for what nobody knows', async () => {
    expect((await get('?format=jaeger')).status).toBe(400);
    expect((await get('?depth=2')).status).toBe(400);
    expect((await get('', '01890a5d-ac96-7b6e-8000-00000000dead')).status).toBe(404);
    expect((await get('', 'no!such')).status).toBe(404);
  });

  it('is a trace of its own where the caller has none', async () => {
    const key = await gateway.publish(askingDefinition);
    const { body } = await gateway.call('POST', `/api/v1/workflows/${key}/executions`, { input: { total: 1 } }, { traceparent: 'of nobody' });
    expect(body.trace_id).toMatch(/^[0-9a-f]{32}$/);
    expect((await get('', body.id)).body.trace_id).toBe(body.trace_id);
  });
});

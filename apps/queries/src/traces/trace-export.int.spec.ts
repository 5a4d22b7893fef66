import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type CreatedData, executionSpanId, ownTraceId } from '@runlog/execution';
import { createMetrics, type Registry } from '@runlog/platform';
import { type CollectedSpan, startTestCollector, type TestCollector, until } from '@runlog/testing';
import { uuidv7 } from 'uuidv7';
import { storedPositions } from '../projection/position-store.js';
import type { QueriesService } from '../queries.service.js';
import { Fixture } from '../testing/fixture.js';
import { createdData, type Recorder } from '../testing/recorder.js';

const trace = '0af7651916cd43dd8448eb211c80319c';
const parent = 'b7ad6b7169203331';
const every = ['dispatch', 'execution workflow', 'node a', 'pending', 'queued'];
// So long the exporter itself tries.
process.env.OTEL_EXPORTER_OTLP_TIMEOUT = '1000';

describe('the export of traces', () => {
  let fixture: Fixture;
  let queries: QueriesService;
  let recorder: Recorder;
  let collector: TestCollector;
  let metrics: Registry;
  let workspaceId: string;

  const begin = async (isExporting = true) => {
    metrics = createMetrics('spec');
    queries = await fixture.serve({ metrics, traces: { withContent: false, serviceName: undefined, url: isExporting ? `${collector.url}/v1/traces` : undefined } });
  };

  beforeAll(async () => {
    fixture = await Fixture.start();
    ({ recorder, workspaceId } = fixture);
    collector = await startTestCollector();
    await begin(false);
  }, 60_000);

  beforeEach(() => {
    recorder.traceparent = undefined;
  });

  afterAll(async () => {
    await fixture?.stop();
    await collector?.stop();
  });

  const on = (attempt = 1) => ({ node_id: 'a', attempt });
  const now = () => Date.now();
  const created = (id: string, change: Partial<CreatedData> = {}) =>
    recorder.record(
      id,
      ['ExecutionCreated', createdData({ ...fixture.pinned, key: 'workflow_1', ...change }), now()],
      ['ExecutionQueued', { queue_name: null }, now()],
      ['ExecutionStarted', {}, now()],
      ['NodeScheduled', { ...on(), kind: 'code' }, now()],
      ['NodeStarted', { ...on(), runner: 'r1' }, now()],
    );
  const ended = (id: string) => recorder.record(id, ['NodeCompleted', { ...on(), output: 1 }, now()], ['ExecutionCompleted', { output: 1 }, now()]);
  const spansOf = (traceId: string): CollectedSpan[] => collector.spans.filter((span) => span.traceId === traceId);
  const names = (spans: readonly CollectedSpan[]) => [...new Set(spans.map(({ name }) => name))].sort();
  const rootOf = (id: string) => collector.spans.find(({ spanId }) => spanId === executionSpanId(id));
  const projected = (id: string, version: number) =>
    until(`version ${version} of ${id} in the read models`, async () => (await queries.reads.execution({ workspaceId, ref: id, nodes: false }))?.view.version === version);
  const exported = (id: string) => until(`the end of ${id} at the collector`, () => rootOf(id));
  const metric = async (name: string) => ((await metrics.getSingleMetric(name)?.get())?.values ?? []).reduce((sum, { value }) => sum + value, 0);

  const early = uuidv7();

  it('begins where the read models stand when it is switched on, with what is under way', async () => {
    const { database, log } = fixture.parts;
    const before = uuidv7();
    await created(before);
    await ended(before);
    await created(early);
    await projected(before, 7);
    await projected(early, 5);
    await begin();
    await until('its place in each partition', async () => (await storedPositions(database, 'traces')).length === log.partitions('execution-events'));
    await ended(early);
    await exported(early);
    expect(names(spansOf(ownTraceId(early)))).toEqual(['dispatch', 'execution workflow', 'node a']);
    expect(spansOf(ownTraceId(before))).toEqual([]);
  });

  it('sends spans as they end, in the trace of the request, and says whose work they are', async () => {
    const id = uuidv7();
    recorder.traceparent = `00-${trace}-${parent}-01`;
    await created(id);
    await until('what it waited for', () => spansOf(trace).length === 2);
    expect(names(spansOf(trace))).toEqual(['pending', 'queued']);
    await ended(id);
    await exported(id);
    expect(rootOf(id)).toMatchObject({ traceId: trace, parentSpanId: parent, service: 'runlog', status: { code: 1 }, attributes: { 'runlog.execution.id': id } });
    const spans = spansOf(trace);
    expect(names(spans)).toEqual(every);
    const ids = new Set(spans.map(({ spanId }) => spanId));
    expect(spans.filter(({ parentSpanId = '' }) => parentSpanId !== parent && !ids.has(parentSpanId))).toEqual([]);
  });

  it('sends nothing of a trace that its caller does not sample', async () => {
    const [unsampled, sampled] = [uuidv7(), uuidv7()];
    const other = 'ffffffffffffffffffffffffffffffff';
    recorder.traceparent = `00-${other}-${parent}-00`;
    await created(unsampled);
    await ended(unsampled);
    recorder.traceparent = undefined;
    await created(sampled);
    await ended(sampled);
    await exported(sampled);
    await projected(unsampled, 7);
    expect(spansOf(other)).toEqual([]);
  });

  it('links a retry to what it retries', async () => {
    const [source, next] = [uuidv7(), uuidv7()];
    recorder.traceparent = `00-${'a'.repeat(32)}-${parent}-01`;
    await created(source);
    await ended(source);
    await projected(source, 7);
    recorder.traceparent = `00-${'b'.repeat(32)}-${parent}-01`;
    await created(next, { retry_of: source });
    await ended(next);
    await exported(next);
    expect(rootOf(next)?.links).toMatchObject([{ traceId: 'a'.repeat(32), spanId: executionSpanId(source) }]);
  });

  it('waits for a collector that is away, while the read models go on, over a restart too', async () => {
    const ids = [uuidv7(), uuidv7(), uuidv7()];
    collector.isAway = true;
    for (const id of ids) await created(id);
    await until('a failure', async () => (await metric('runlog_traces_export_failures_total')) > 0);
    for (const id of ids.slice(1)) await ended(id);
    for (const id of ids.slice(1)) await projected(id, 7);
    expect(ids.map(rootOf)).toEqual([undefined, undefined, undefined]);
    await begin();
    await ended(ids[0] as string);
    collector.isAway = false;
    for (const id of ids) await exported(id);
    for (const id of ids) expect(names(spansOf(ownTraceId(id)))).toEqual(every);
    expect(await metric('runlog_traces_dropped_spans_total')).toBe(0);
  });

  it('gives up on what ended more than an hour ago', async () => {
    const old = uuidv7();
    collector.isAway = true;
    await recorder.record(old, ['ExecutionCreated', createdData(fixture.pinned), now() - 7_200_000], ['ExecutionQueued', { queue_name: null }, now() - 7_200_000]);
    await recorder.record(old, ['ExecutionFailed', { error: 'no', error_code: 'no', error_node_id: null }, now() - 7_200_000]);
    await until('spans to be dropped', async () => (await metric('runlog_traces_dropped_spans_total')) > 0);
    collector.isAway = false;
    const next = uuidv7();
    await created(next);
    await ended(next);
    await exported(next);
    expect(rootOf(old)).toBeUndefined();
  });
});

import { describe, expect, it } from '@jest/globals';
import { attemptSpanId, callSpanId, executionSpanId } from '@runlog/execution';
import { traceContextOf } from './context.js';
import { type TracedEvent, TraceFold, type TraceOptions } from './fold-trace.js';
import type { TracedAgent } from './gen-ai.js';
import type { TraceSpan } from './span.js';

const executionId = '01890a5d-ac96-7b6e-8000-0000000000e1';
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const agent: TracedAgent = { agent_id: 'a1', version: 3, key: 'writer', name: 'Writer', model: { provider: 'openai', name: 'gpt-5-mini' } };
const named = { nodes: new Map([['agent', { type: 'agent', definition: { name: 'Agent' }, agent }]]) };

type Step = readonly [command: string, at: number, ...events: readonly [type: string, data: object][]];

/** Events as commands caused them, at milliseconds since the beginning. */
const historyOf = (...steps: readonly Step[]): TracedEvent[] =>
  steps
    .flatMap(([commandId, at, ...events]) => events.map(([type, data]) => ({ type, data, commandId, at: 1_000 + at, executionId })))
    .map((event, index) => ({ ...event, version: index + 1 }) as never);

const fold = (history: readonly TracedEvent[], options: Partial<TraceOptions> = {}): TraceFold => {
  const one = new TraceFold(executionId, traceContextOf(executionId, traceparent), { names: named, withContent: false, ...options });
  for (const event of history) one.apply(event);
  return one;
};

const spansOf = (history: readonly TracedEvent[], options: Partial<TraceOptions> = {}): TraceSpan[] => {
  const one = fold(history, options);
  return [...one.takeEnded(), ...one.pending];
};

/** `name [start-end] status` per span, indented under its parent. */
const drawn = (spans: readonly TraceSpan[], parent: string | null = 'b7ad6b7169203331', depth = 0): string[] =>
  spans
    .filter(({ parentSpanId }) => parentSpanId === parent)
    .sort((a, b) => a.nth - b.nth)
    .flatMap((span) => [
      `${'  '.repeat(depth)}${span.name} [${span.startMs - 1000}-${span.endMs === null ? '' : span.endMs - 1000}] ${span.status}`,
      ...drawn(spans, span.spanId, depth + 1),
    ]);

const created = {
  key: 'order_triage_8',
  workflow_id: 'w1',
  workflow_version_id: 'v1',
  pod_id: 'p1',
  trigger: { kind: 'api', id: null },
  batch_id: null,
  parent_execution_id: null,
  retry_of: null,
  replay_of: null,
  retry_count: 0,
  agent_id: null,
  session_id: 's1',
  user_id: null,
  input: { secret: 'of the input' },
};
const begun = [
  ['ExecutionCreated', created],
  ['ExecutionQueued', { queue_name: null }],
  ['ExecutionStarted', {}],
] as const satisfies Step[2][];
const on = (node_id: string, attempt = 1) => ({ node_id, attempt });
const tokens = { input: 10, cache_read: 5, cache_write: 2, output: 7, reasoning: 3 };
const used = { provider: 'openai', model: 'gpt-5-mini', tokens, cost_nano_usd: '1200', price: 'list' };

describe('the trace of an execution', () => {
  it('has a span per attempt under the execution, which goes on from the request that created it', () => {
    const history = historyOf(
      ['create', 0, ...begun, ['NodeScheduled', { ...on('fetch'), kind: 'http' }]],
      ['start', 5, ['NodeStarted', { ...on('fetch'), runner: 'r1' }]],
      [
        'done',
        30,
        ['NodeCompleted', { ...on('fetch'), output: { secret: 'of the output' } }],
        ['NodeCompleted', { ...on('pure'), output: 1, inline: true }],
        ['ExecutionCompleted', { output: 1 }],
      ],
    );
    const spans = spansOf(history);
    expect(drawn(spans)).toEqual(['execution order_triage [0-30] ok', '  node fetch [0-30] ok', '    dispatch [0-5] unset', '  node pure [30-30] ok']);
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set(['0af7651916cd43dd8448eb211c80319c']));
    expect(spans.map(({ spanId }) => spanId)).toEqual(expect.arrayContaining([executionSpanId(executionId), attemptSpanId(executionId, 'fetch', 1)]));
    expect(JSON.stringify(spans)).not.toContain('secret');
    expect(JSON.stringify(spansOf(history, { withContent: true }))).toMatch(/of the input.*|of the output/);
  });

  it('shows what it waited for: its turn, people, the next try', () => {
    const history = historyOf(
      ['create', 0, ['ExecutionCreated', created], ['ExecutionQueued', { queue_name: 'slow', concurrency_key: 'k', priority: 0 }]],
      ['admit', 10, ['ExecutionStarted', {}], ['NodeScheduled', { ...on('a'), kind: 'http' }], ['ApprovalRequested', { ...on('ask'), gate_id: 'ask.1', prompt: 'Pay?' }]],
      ['fail', 20, ['NodeFailed', { ...on('a'), error: { code: 'http_status', message: '503' }, final: false }], ['NodeRetryScheduled', { ...on('a', 2), retry_at: 40 }]],
      ['fire', 40, ['NodeScheduled', { ...on('a', 2), kind: 'http' }]],
      ['done', 50, ['NodeCompleted', { ...on('a', 2), output: 1 }], ['ExecutionSuspended', { status: 'awaiting_approval', reason: 'approval' }]],
      ['respond', 90, ['ResponseReceived', { node_id: 'ask', gate_id: 'ask.1', decision: 'approve', by: 'user:ann', accepted: true }], ['ExecutionResumed', {}]],
      ['respond', 90, ['NodeCompleted', { ...on('ask'), output: {} }], ['ExecutionCompleted', { output: 1 }]],
    );
    expect(drawn(spansOf(history))).toEqual([
      'execution order_triage [0-90] ok',
      '  queued [0-10] unset',
      '  node a [10-20] error',
      '    dispatch [10-20] unset',
      '  node ask [10-90] ok',
      '    approval [10-90] unset',
      '  backoff [20-40] unset',
      '  node a [40-50] ok',
      '    dispatch [40-50] unset',
      '  suspended [50-90] unset',
    ]);
  });

  const agentRuns = [
    ['create', 0, ...begun, ['NodeScheduled', { ...on('agent'), kind: 'agent' }]],
    ['start', 1, ['NodeStarted', { ...on('agent'), runner: 'r1' }]],
    ['step1', 2, ['EffectIntended', { ...on('agent'), key: 'm1', call: { kind: 'model', name: 'gpt-5-mini' } }]],
    [
      'step2',
      10,
      ['EffectRecorded', { ...on('agent'), key: 'm1', receipt: { text: 'prompted', finish: 'stop' }, call: { kind: 'model', name: 'gpt-5-mini' } }],
      ['TokensUsed', { ...on('agent'), key: 'm1', ...used }],
      ['EffectIntended', { ...on('agent'), key: 'm1.t1', call: { kind: 'tool', name: 'search', arguments_sha256: 'ab' } }],
      ['EffectIntended', { ...on('agent'), key: 'm1.t2', call: { kind: 'tool', name: 'fetch' } }],
    ],
  ] as const satisfies Step[];

  it('shows the model and tool calls of an agent by the conventions of generative AI', () => {
    const history = historyOf(...agentRuns, [
      'end',
      20,
      ['EffectRecorded', { ...on('agent'), key: 'm1.t1', receipt: 'found', call: { kind: 'tool', name: 'search' } }],
      ['EffectRecorded', { ...on('agent'), key: 'm1.t2', receipt: null, call: { kind: 'tool', name: 'fetch', error: { code: 'tool_failed', message: 'no' } } }],
      ['NodeCompleted', { ...on('agent'), output: {} }],
      ['ExecutionCompleted', { output: {} }],
    ]);
    const spans = spansOf(history);
    expect(drawn(spans)).toEqual([
      'execution order_triage [0-20] ok',
      '  invoke_agent Writer [0-20] ok',
      '    dispatch [0-1] unset',
      '    chat gpt-5-mini [2-10] ok',
      '    execute_tool search [10-20] ok',
      '    execute_tool fetch [10-20] error',
    ]);
    const find = (name: string) => spans.find((span) => span.name === name);
    expect(find('chat gpt-5-mini')).toMatchObject({ kind: 'client', spanId: callSpanId(executionId, 'agent', 1, 'm1') });
    expect(find('chat gpt-5-mini')?.attributes).toEqual({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-5-mini',
      'gen_ai.response.model': 'gpt-5-mini',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': 17,
      'gen_ai.usage.output_tokens': 10,
      'gen_ai.usage.cache_read.input_tokens': 5,
      'gen_ai.usage.cache_creation.input_tokens': 2,
      'gen_ai.usage.reasoning.output_tokens': 3,
      'runlog.call.key': 'm1',
      'runlog.cost_nano_usd': '1200',
      'runlog.cost_price': 'list',
    });
    expect(find('execute_tool search')?.attributes).toMatchObject({ 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'search', 'gen_ai.tool.call.id': 'm1.t1' });
    expect(find('execute_tool fetch')?.attributes).toMatchObject({ 'error.type': 'tool_failed' });
    expect(find('invoke_agent Writer')?.attributes).toMatchObject({ 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.id': 'a1', 'gen_ai.agent.name': 'Writer' });
    expect(find('execution order_triage')?.attributes).toMatchObject({ 'gen_ai.conversation.id': 's1' });
    const told = spansOf(history, { withContent: true });
    expect(told.find(({ name }) => name === 'chat gpt-5-mini')?.attributes['gen_ai.output.messages']).toBe('{"text":"prompted","finish":"stop"}');
    expect(JSON.stringify(spans)).not.toContain('prompted');
  });

  it('closes what a dead runner left open as an error, and shows the next attempt beside it', () => {
    const history = historyOf(
      ...agentRuns,
      ['lose', 100, ['AttemptLost', { ...on('agent'), runner: 'r1', because: 'r1 is silent' }], ['NodeScheduled', { ...on('agent', 2), kind: 'agent' }]],
      ['start2', 101, ['NodeStarted', { ...on('agent', 2), runner: 'r2' }]],
      ['step3', 102, ['EffectIntended', { ...on('agent', 2), key: 'm1.t1', call: { kind: 'tool', name: 'search' } }]],
      [
        'end',
        110,
        ['EffectRecorded', { ...on('agent', 2), key: 'm1.t1', receipt: 1, call: { kind: 'tool', name: 'search' } }],
        ['NodeCompleted', { ...on('agent', 2), output: {} }],
        ['ExecutionCompleted', { output: {} }],
      ],
    );
    expect(drawn(spansOf(history))).toEqual([
      'execution order_triage [0-110] ok',
      '  invoke_agent Writer [0-100] error',
      '    dispatch [0-1] unset',
      '    chat gpt-5-mini [2-10] ok',
      '    execute_tool search [10-100] error',
      '    execute_tool fetch [10-100] error',
      '  invoke_agent Writer [100-110] ok',
      '    dispatch [100-101] unset',
      '    execute_tool search [102-110] ok',
    ]);
  });

  it('keeps an agent that waits for people within its attempt', () => {
    const history = historyOf(
      ...agentRuns,
      [
        'park',
        12,
        ['ApprovalRequested', { ...on('agent'), gate_id: 'agent.1.m1.t1', prompt: 'Search?', key: 'm1.t1' }],
        ['ExecutionSuspended', { status: 'awaiting_approval', reason: 'approval' }],
      ],
      ['respond', 50, ['ResponseReceived', { node_id: 'agent', gate_id: 'agent.1.m1.t1', decision: 'approve', by: 'user:ann', accepted: true }]],
      ['respond', 50, ['ExecutionResumed', {}], ['NodeScheduled', { ...on('agent', 2), kind: 'agent' }]],
    );
    expect(drawn(spansOf(history))).toEqual([
      'execution order_triage [0-] unset',
      '  invoke_agent Writer [0-50] unset',
      '    dispatch [0-1] unset',
      '    chat gpt-5-mini [2-10] ok',
      '    execute_tool search [10-50] unset',
      '    execute_tool fetch [10-50] unset',
      '    approval [12-50] unset',
      '  suspended [12-50] unset',
      '  invoke_agent Writer [50-] unset',
      '    dispatch [50-] unset',
    ]);
  });

  it('ends with everything in it, whatever the clocks of the processes say', () => {
    const history = historyOf(
      ['create', 100, ...begun, ['NodeScheduled', { ...on('a'), kind: 'http' }], ['NodeScheduled', { ...on('b'), kind: 'http' }]],
      ['start', 60, ['NodeStarted', { ...on('a'), runner: 'r1' }]],
      ['ask', 120, ['CancelRequested', { by: 'user:ann', reason: null, grace_ms: 10, running: ['a'] }], ['NodeStopped', { ...on('b'), acknowledged: false, outcome: 'stopped' }]],
      ['stop', 90, ['NodeStopped', { ...on('a'), acknowledged: true, outcome: 'stopped' }], ['ExecutionCancelled', { by: 'user:ann', reason: null, unacknowledged: [] }]],
    );
    const spans = spansOf(history);
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    for (const { startMs, endMs, parentSpanId } of spans) {
      const parent = byId.get(parentSpanId ?? '');
      expect(endMs).toBeGreaterThanOrEqual(startMs);
      if (parent) expect([startMs >= parent.startMs, (endMs ?? 0) <= (parent.endMs ?? 0)]).toEqual([true, true]);
    }
    expect(drawn(spans)).toContain('  cancel [120-120] unset');
  });

  it('is the same however its history is cut: each span ends once', () => {
    const history = historyOf(...agentRuns, [
      'end',
      20,
      ['NodeFailed', { ...on('agent'), error: { code: 'x', message: 'y' }, final: true }],
      ['ExecutionFailed', { error: 'y', error_code: 'x', error_node_id: 'agent' }],
    ]);
    const whole = fold(history).takeEnded();
    const one = new TraceFold(executionId, traceContextOf(executionId, traceparent), { names: named, withContent: false });
    const pieces = history.flatMap((event) => {
      one.apply(event);
      return one.takeEnded();
    });
    expect(pieces).toEqual(whole);
    expect(one.pending).toEqual([]);
    expect(new Set(pieces.map(({ spanId }) => spanId)).size).toBe(pieces.length);
    const few = fold(history, { limit: 2 });
    expect(drawn(few.takeEnded())).toEqual(['execution order_triage [0-20] error', '  invoke_agent Writer [0-20] error']);
    expect(few.isTruncated).toBe(true);
  });
});

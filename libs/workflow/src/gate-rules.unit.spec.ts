import { describe, expect, it } from '@jest/globals';
import { compile } from './compile.js';
import type { NodeDefinition } from './definition.js';
import { delayUntil } from './delay-until.js';
import { gateConfig, openGate } from './gate-rules.js';
import type { CompiledNode } from './graph.js';

const seed = { at: 1_000_000, commandId: 'c' };
const scope = { input: { who: ['ann'], seconds: 5, at: '1970-01-01T01:00:00+00:00' }, nodes: { fetch: { total: 7 } }, execution: {} };
const node = (type: string, config: NodeDefinition['config']) =>
  compile('v', { key: 'k', name: 'n', nodes: [{ id: 'it', type, name: 'it', config }], edges: [{ from: 'start_of_workflow', to: 'it' }] }).nodes.get('it') as CompiledNode;

describe('gateConfig', () => {
  it('fills in the defaults', () => {
    expect(gateConfig({ prompt: 'Pay?' })).toEqual({
      prompt: 'Pay?',
      schema: null,
      approvers: null,
      expires_in_seconds: null,
      on_expiry: 'fail',
      on_reject: 'reject',
      reminders_seconds: [],
    });
    expect(gateConfig({ prompt: 'Pay?', approvers: { roles: ['admin'] }, reminders_seconds: [60, 10] })).toMatchObject({
      approvers: { users: [], roles: ['admin'], needed: 1, exclude_starter: false },
      reminders_seconds: [10, 60],
    });
  });
});

describe('openGate', () => {
  it('resolves the prompt, who may answer and when it expires, and leaves the schema', async () => {
    const config = { prompt: 'Pay {{ nodes.fetch.total }}?', approvers: { users: '{{ input.who }}' }, expires_in_seconds: '{{ input.seconds }}', schema: { title: '{{ x }}' } };
    expect(await openGate(node('approval', config), scope, seed)).toMatchObject({
      gate: { prompt: 'Pay 7?', approvers: { users: ['ann'] }, expires_in_seconds: 5, schema: { title: '{{ x }}' } },
    });
  });

  it('gives an error for values that no gate can have', async () => {
    expect(await openGate(node('approval', { prompt: 'x', expires_in_seconds: '{{ "soon" }}' }), scope, seed)).toMatchObject({ error: { code: 'expression_failed' } });
    expect(await openGate(node('question', { prompt: '{{ 1 + "a" }}' }), scope, seed)).toMatchObject({ error: { code: 'expression_failed' } });
  });
});

describe('delayUntil', () => {
  it.each<[NodeDefinition['config'], number]>([
    [{ seconds: 2 }, 1_002_000],
    [{ seconds: 0.5 }, 1_000_500],
    [{ seconds: '{{ input.seconds }}' }, 1_005_000],
    [{ until: '{{ input.at }}' }, 3_600_000],
    [{ until: '1970-01-01T00:00:00Z' }, 1_000_000],
    [{ until: '{{ $millis() + 1 }}' }, 1_000_001],
  ])('%j', async (config, until) => expect(await delayUntil(node('delay', config), scope, seed)).toEqual({ until }));

  it('gives an error for what is no time', async () => {
    const configs: NodeDefinition['config'][] = [
      { seconds: '{{ "x" }}' },
      { seconds: '{{ input.none }}' },
      { until: '{{ "soon" }}' },
      { seconds: '{{ 1e9 }}' },
      { until: '{{ true }}' },
    ];
    for (const config of configs) expect(await delayUntil(node('delay', config), scope, seed)).toMatchObject({ error: { code: 'expression_failed' } });
  });
});

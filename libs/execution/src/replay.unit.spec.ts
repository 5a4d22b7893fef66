import { describe, expect, it } from '@jest/globals';
import { compile, kinds, type Workflow } from '@runlog/workflow';
import fc from 'fast-check';
import type { InheritedEffect, Reuse } from './commands.js';
import { decide } from './decide.js';
import type { EventOf } from './events.js';
import type { Json } from './ids.js';
import { type PlanAsk, planReplay, type ReplayPlan, type SourceNode } from './replay-plan.js';
import { outputsToFetch } from './reuse.js';
import { edge, executionId, node, Scenario, types } from './testing/scenario.js';

const START = 'start_of_workflow';

/** What the read models tell of an execution at a version, from its history alone. */
const sourceNodes = ({ history, workflow }: Scenario, version: number): Map<string, SourceNode> => {
  const nodes = new Map<string, SourceNode>();
  const put = (id: string, change: Partial<SourceNode>) => {
    const idle: SourceNode = { type: workflow.nodes.get(id)?.type ?? '', status: 'idle', branch: null, tried: false, reused: null };
    nodes.set(id, { ...(nodes.get(id) ?? idle), ...change });
  };
  for (const event of history.slice(0, version)) {
    if (event.type === 'NodeReused')
      for (const id of event.data.nodes)
        put(id, { status: 'completed', branch: event.data.branches[id] ?? null, reused: { from: event.data.source_execution_id, version: event.data.source_version } });
    if (event.type === 'NodeScheduled') put(event.data.node_id, { status: 'scheduled' });
    if (event.type === 'NodeStarted') put(event.data.node_id, { status: 'running', tried: true });
    if (event.type === 'NodeWaiting' || event.type === 'ApprovalRequested' || event.type === 'QuestionRequested') put(event.data.node_id, { status: 'waiting' });
    if (event.type === 'NodeCompleted') put(event.data.node_id, { status: 'completed', branch: event.data.branch ?? null });
    if (event.type === 'NodeFailed') put(event.data.node_id, { status: 'failed' });
    if (event.type === 'NodeStopped') put(event.data.node_id, { status: 'stopped' });
    if (event.type === 'NodeSkipped') put(event.data.node_id, { status: 'skipped' });
  }
  return nodes;
};

const planned = (source: Scenario, ask: Partial<PlanAsk> = {}, version = source.history.length, workflow: Workflow = source.workflow): ReplayPlan => {
  const plan = planReplay(workflow, { source: { id: executionId, version }, nodes: sourceNodes(source, version), from: undefined, fork: false, reask: false, ...ask });
  if ('problem' in plan) throw new Error(plan.problem);
  return plan;
};

const outputsOf = ({ history }: Scenario) =>
  new Map<string, Json>(history.flatMap((event) => (event.type === 'NodeCompleted' ? [[event.data.node_id, event.data.output] as const] : [])));

/** Runs what is scheduled, answers what is asked, and lets delays pass, until it has ended. */
const drive = async (scenario: Scenario, fails: (id: string) => boolean = () => false): Promise<Scenario> => {
  for (let steps = 0; steps < 100; steps++) {
    const [id] = scenario.execution?.active ?? [];
    if (id === undefined) return scenario;
    const state = scenario.execution?.nodes.get(id);
    if (state?.status === 'waiting' && state.waitsFor?.kind === 'gate') {
      const isEffect = scenario.execution?.gates.get(state.waitsFor.gate)?.kind === 'effect';
      await scenario.accepted({ type: 'Respond', node: id, decision: isEffect ? 'done' : 'approve', answer: isEffect ? `${id} done` : 1, by: 'user:ann', roles: [] });
    } else if (state?.status === 'waiting') {
      scenario.clock += 1_000;
      await scenario.accepted({ type: 'FireTimer', timer: { kind: 'delay', node: id, attempt: 1 } });
    } else {
      await scenario.start(id);
      await (fails(id) ? scenario.fail(id, 'broken', false) : scenario.complete(id, `${id} done`));
    }
  }
  throw new Error('it does not end');
};

const diamond = {
  nodes: [
    node('a', 'code'),
    node('b', 'http', { url: 'http://x/' }),
    node('ok', 'approval', { prompt: '?' }),
    node('c', 'http', { url: 'http://x/{{ nodes.a }}' }),
    node('join', 'transform', { expression: "nodes.b & ' and ' & nodes.c" }),
    node('side', 'code'),
  ],
  edges: [edge(START, 'a'), edge('a', 'b'), edge('a', 'ok'), edge('ok', 'c'), edge('b', 'join'), edge('c', 'join'), edge('a', 'side')],
};
const ran = async () => drive(await Scenario.of(diamond).created());
const actions = ({ nodes }: ReplayPlan) => Object.fromEntries(nodes.map((one) => [one.node, one.action]));

describe('planReplay', () => {
  it('takes receipts of declared effects, asks about those that only began, and names what would be repeated', () => {
    const classes = { once: { effect: 'at_most_once' }, keyed: { effect: 'keyed' }, plain: {}, ask: { on_unknown: 'ask' } };
    const workflow = compile('v', {
      key: 'w',
      name: 'W',
      nodes: Object.entries(classes).map(([id, declared]) => node(id, 'http', { url: 'http://x/' }, declared)),
      edges: Object.keys(classes).map((id) => edge(START, id)),
    });
    const nodes = new Map(Object.keys(classes).map((id) => [id, { type: 'http', status: 'completed', branch: null, tried: true, reused: null } as const]));
    const plan = (heritage: PlanAsk['heritage']) => {
      const found = planReplay(workflow, { source: { id: executionId, version: 9 }, nodes, from: undefined, fork: false, reask: false, ...(heritage ? { heritage } : {}) });
      return 'problem' in found ? undefined : { ...actions(found), repeated: found.repeatedEffects, effects: found.effects };
    };
    const all = (what: 'receipt' | 'begun') => new Map(Object.keys(classes).map((id) => [id, what]));
    expect(plan(all('receipt'))).toEqual({ once: 'reuse', keyed: 'reuse', plain: 'run', ask: 'reuse', repeated: ['plain'], effects: ['once', 'keyed', 'ask'] });
    expect(plan(all('begun'))).toEqual({ once: 'ask', keyed: 'run', plain: 'run', ask: 'ask', repeated: ['keyed', 'plain'], effects: ['once', 'keyed', 'ask'] });
    expect(plan(undefined)).toEqual({ once: 'run', keyed: 'run', plain: 'run', ask: 'run', repeated: ['once', 'keyed', 'plain', 'ask'], effects: [] });
  });

  it('runs everything from the beginning', async () => {
    const plan = planned(await ran());
    expect(actions(plan)).toEqual({ a: 'run', b: 'run', ok: 'ask', c: 'run', join: 'run', side: 'run' });
    expect(plan.reuse).toEqual([]);
  });

  it('reuses all that completed but the node and its descendants, and runs joins that mix both', async () => {
    const plan = planned(await ran(), { from: 'c' });
    expect(actions(plan)).toEqual({ a: 'reuse', b: 'reuse', ok: 'reuse', c: 'run', join: 'run', side: 'reuse' });
    expect(plan.reuse).toMatchObject([{ source_execution_id: executionId, nodes: ['a', 'b', 'ok', 'side'] }]);
  });

  it('names effects that would be repeated', async () => {
    const source = await ran();
    expect(planned(source).repeatedEffects).toEqual(['b', 'c']);
    expect(planned(source, { from: 'c' }).repeatedEffects).toEqual(['c']);
    expect(planned(source, { from: 'join' }).repeatedEffects).toEqual([]);
  });

  it('asks gates again when told to, and runs what follows them', async () => {
    expect(actions(planned(await ran(), { from: 'join', reask: true }))).toEqual({ a: 'reuse', b: 'reuse', ok: 'ask', c: 'run', join: 'run', side: 'reuse' });
  });

  it('forks at an event: what had completed by then is reused', async () => {
    const source = await ran();
    const version = (source.history.find((event) => event.type === 'NodeCompleted' && event.data.node_id === 'b')?.version ?? 0) as number;
    expect(actions(planned(source, { fork: true }, version))).toEqual({ a: 'reuse', b: 'reuse', ok: 'ask', c: 'run', join: 'run', side: 'run' });
  });

  it('keeps branches that were not taken skipped', async () => {
    const source = await drive(
      await Scenario.of({
        nodes: [node('large', 'condition', { expression: 'true' }), node('yes', 'code'), node('no', 'code'), node('end', 'code')],
        edges: [edge(START, 'large'), edge('large', 'yes', 'true'), edge('large', 'no', 'false'), edge('yes', 'end'), edge('no', 'end')],
      }).created(),
    );
    const plan = planned(source, { from: 'end' });
    expect(actions(plan)).toEqual({ large: 'reuse', yes: 'reuse', end: 'run' });
    expect(plan.reuse).toMatchObject([{ branches: { large: 'true' } }]);
    expect(planReplay(source.workflow, { source: { id: executionId, version: 1 }, nodes: sourceNodes(source, 99), from: 'no', fork: false, reask: false })).toMatchObject({
      problem: expect.stringContaining("'no' was skipped"),
    });
  });

  it('refuses a node that is unknown or was never reached', async () => {
    const source = await drive(await Scenario.of(diamond).created(), (id) => id === 'a');
    const ask = { source: { id: executionId, version: 9 }, nodes: sourceNodes(source, 99), fork: false, reask: false };
    expect(planReplay(source.workflow, { ...ask, from: 'nope' })).toMatchObject({ problem: expect.stringContaining("no node 'nope'") });
    expect(planReplay(source.workflow, { ...ask, from: 'c' })).toMatchObject({ problem: expect.stringContaining("'c' was idle") });
    expect(actions(planReplay(source.workflow, { ...ask, from: 'a' }) as ReplayPlan)).toMatchObject({ a: 'run', c: 'run' });
  });

  it('runs what a later version has put before a node', async () => {
    const source = await ran();
    const later = compile('v2', {
      key: 'w',
      name: 'W',
      nodes: [...diamond.nodes, node('new', 'code')],
      edges: [...diamond.edges.filter(({ to }) => to !== 'side'), edge('a', 'new'), edge('new', 'side')],
    });
    expect(actions(planned(source, { from: 'join' }, 99, later))).toMatchObject({ a: 'reuse', b: 'reuse', new: 'run', side: 'run', join: 'run' });
  });

  it('names the original of what was reused before', async () => {
    const source = await ran();
    const first = planned(source, { from: 'c' });
    const replay = Scenario.of(diamond);
    await replay.replayed(
      first.reuse.map((one) => ({ ...one, source_execution_id: 'original' })),
      outputsOf(source),
      { replay_of: 'original' },
    );
    await drive(replay);
    const second = planned(replay, { from: 'join' });
    expect(second.reuse.map(({ source_execution_id, nodes }) => [source_execution_id, nodes])).toEqual([
      ['original', ['a', 'b', 'ok', 'side']],
      [executionId, ['c']],
    ]);
  });
});

describe('a replay', () => {
  it('begins with one event for all that it reuses, and runs the rest on their outputs', async () => {
    const source = await ran();
    const replay = Scenario.of(diamond);
    const events = await replay.replayed(planned(source, { from: 'c' }).reuse, outputsOf(source), { replay_of: executionId });
    expect(types(events)).toEqual(['ExecutionCreated', 'ExecutionQueued', 'ExecutionStarted', 'NodeReused', 'NodeScheduled']);
    await drive(replay);
    expect(replay.status()).toBe('completed');
    expect(replay.history.at(-1)).toMatchObject({ data: { output: { join: 'b done and c done' } } });
  });

  it('inherits approvals without asking', async () => {
    const source = await ran();
    const replay = Scenario.of(diamond);
    await replay.replayed(planned(source, { from: 'c' }).reuse, outputsOf(source));
    expect(replay.execution?.gates.size).toBe(0);
    expect(replay.status('ok')).toBe('completed');
  });

  it('starts its deadlines afresh', async () => {
    const replay = Scenario.of(diamond);
    replay.clock = 50_000;
    await replay.replayed([], new Map(), { run_timeout_seconds: 20 });
    expect(replay.execution?.startedAt).toBe(replay.now());
    expect(await replay.refused({ type: 'FireTimer', timer: { kind: 'run_timeout' } })).toMatchObject({ reason: 'timer_early' });
  });

  it('completes at once where everything is reused', async () => {
    const source = await ran();
    const replay = Scenario.of(diamond);
    const events = await replay.replayed(planned(source, { fork: true }).reuse, outputsOf(source));
    expect(types(events)).toEqual(['ExecutionCreated', 'ExecutionQueued', 'ExecutionStarted', 'NodeReused', 'ExecutionCompleted']);
    expect(events.at(-1)).toMatchObject({ data: (source.history.at(-1) as EventOf<'ExecutionCompleted'>).data });
  });

  it('fetches only outputs that something that runs may read', async () => {
    const reuse = planned(await ran(), { from: 'c' }).reuse;
    const fetched = outputsToFetch(reuse, compile('v', { key: 'w', name: 'W', ...diamond }));
    expect(fetched.map((one) => one.node).sort()).toEqual(['a', 'b', 'side']);
  });

  it('is refused where it names a node that the workflow has not, or one twice', async () => {
    const replay = Scenario.of(diamond);
    const create = (reuse: Reuse[]) => decide({ type: 'CreateExecution', id: 'c', executionId, workspaceId: 'w', at: 0, created: {} as never, reuse }, undefined, replay.workflow);
    const of = (...nodes: string[]): Reuse => ({ source_execution_id: 's', source_version: 1, nodes, branches: {} });
    expect(create([of('nope')])).toMatchObject({ rejected: 'InvalidArgument' });
    expect(create([of('a'), of('a')])).toMatchObject({ rejected: 'InvalidArgument' });
  });

  const long = (count: number, idOf: (i: number) => string) => {
    const ids = Array.from({ length: count }, (_, i) => idOf(i));
    const scenario = Scenario.of({
      nodes: ids.map((id, i) => node(id, 'code', { source: i === 0 ? 'return 1;' : `return nodes.${ids[i - 1]};` })),
      edges: ids.map((id, i) => edge(ids[i - 1] ?? START, id)),
    });
    const reuse = [{ source_execution_id: 's', source_version: 1, nodes: ids.slice(0, -1), branches: {} }];
    return { scenario, reuse, last: ids.at(-1) as string };
  };

  it('of 5,000 nodes from the last one appends the same events and fetches the same outputs as one of 50', async () => {
    const counted = await Promise.all(
      [50, 5_000].map(async (count) => {
        const { scenario, reuse, last } = long(count, (i) => `n${i}`);
        const events = await scenario.replayed(reuse, new Map());
        expect(events.at(-1)).toMatchObject({ data: { node_id: last } });
        return { events: types(events), fetched: outputsToFetch(reuse, scenario.workflow).length };
      }),
    );
    expect(counted[0]).toEqual({ events: ['ExecutionCreated', 'ExecutionQueued', 'ExecutionStarted', 'NodeReused', 'NodeScheduled'], fetched: 1 });
    expect(counted[1]).toEqual(counted[0]);
  });

  it('goes on after a crash between the slices of a large one', async () => {
    const { scenario, reuse } = long(7_000, (i) => `${'x'.repeat(58)}${i}`);
    const events = await scenario.replayed(reuse, new Map());
    expect(types(events).filter((type) => type === 'NodeReused')).toHaveLength(3);
    const created = { type: 'CreateExecution', id: 'command-1', executionId, workspaceId: scenario.execution?.workspaceId ?? '', at: 0, created: {} as never, reuse } as const;
    if (scenario.execution) scenario.execution.reuses = 1;
    expect(decide(created, scenario.execution, scenario.workflow)).toEqual(
      events
        .filter((event) => event.type === 'NodeReused')
        .slice(1)
        .map(({ type, data }) => ({ type, data })),
    );
  });
});

const ids = ['n0', 'n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7'];
const configs: Record<string, object> = {
  transform: { expression: '1' },
  merge: { mode: 'any' },
  delay: { seconds: 1 },
  approval: { prompt: '?' },
  question: { prompt: '?' },
};
const workflows = fc
  .array(
    fc.record({
      kind: fc.constantFrom('code', 'code', 'transform', 'condition', 'merge', 'approval', 'question', 'delay'),
      from: fc.array(fc.nat({ max: 7 }), { maxLength: 3 }),
      yes: fc.boolean(),
      declared: fc.constantFrom({}, {}, { effect: 'at_most_once' }, { effect: 'keyed' }, { effect: 'at_least_once' }, { on_unknown: 'ask' }),
    }),
    {
      minLength: 1,
      maxLength: 8,
    },
  )
  .map((list) => ({
    nodes: list.map(({ kind, yes, declared }, i) => node(ids[i] as string, kind, (kind === 'condition' ? { expression: String(yes) } : configs[kind]) as never, declared)),
    edges: list.flatMap(({ from }, i) => {
      const before = [...new Set(from.filter((j) => j < i))];
      if (before.length === 0) return [edge(START, ids[i] as string)];
      return before.map((j) => edge(ids[j] as string, ids[i] as string, list[j]?.kind === 'condition' ? (i % 2 ? 'true' : 'false') : undefined));
    }),
  }));

describe('the plan', () => {
  it('is what then happens', async () => {
    await fc.assert(
      fc.asyncProperty(
        workflows,
        fc.nat({ max: 7 }),
        fc.nat({ max: 7 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.constantFrom('from', 'fork', 'both', 'none'),
        fc.boolean(),
        async (definition, failing, at, cut, mode, reask) => {
          const source = await drive(await Scenario.of(definition).created(), (id) => id === ids[failing]);
          const version = mode === 'from' || mode === 'none' ? source.history.length : Math.max(3, Math.round(cut * source.history.length));
          const from = mode === 'from' || mode === 'both' ? ids[at % definition.nodes.length] : undefined;
          const nodes = sourceNodes(source, version);
          const inherited = heritageOf(source);
          const heritage = new Map(inherited.map(({ node: id, receipt }) => [id, receipt ? ('receipt' as const) : ('begun' as const)]));
          const plan = planReplay(source.workflow, { source: { id: executionId, version }, nodes, from, fork: mode === 'fork', reask, heritage });
          if ('problem' in plan) {
            expect(['idle', 'skipped']).toContain(nodes.get(from ?? '')?.status ?? 'idle');
            return;
          }
          const replay = Scenario.of(definition);
          await replay.replayed(
            plan.reuse,
            outputsOf(source),
            { replay_of: executionId },
            inherited.filter(({ node: id }) => plan.effects.includes(id)),
          );
          await drive(replay);
          expect(replay.status()).toBe('completed');
          const action = new Map(plan.nodes.map((one) => [one.node, one.action]));
          const done = happened(replay);
          for (const [id, what] of done) expect([id, action.get(id) ?? 'skip']).toEqual([id, what]);
          for (const [id, what] of action) if (what === 'reuse') expect(done.get(id)).toBe('reuse');
          for (const [id, what] of action) if (!done.has(id)) expect([what, replay.status(id)]).toEqual([what, 'skipped']);
          if (from !== undefined && done.get(from) === undefined) expect(replay.status(from)).toBe('skipped');
          const isKnown = (id: string) => nodes.get(id)?.status === 'completed' || heritage.get(id) === 'receipt';
          expect(plan.nodes.filter((one) => one.action === 'reuse').every((one) => isKnown(one.node))).toBe(true);
          const repeated = [...source.workflow.nodes.values()].filter((one) => one.effect && tried(source).has(one.id) && done.get(one.id) === 'run').map(({ id }) => id);
          expect(plan.repeatedEffects).toEqual(expect.arrayContaining(mode === 'from' || mode === 'none' ? repeated : []));
          expect(completesTheSame(source, replay)).toBe(true);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('knows every kind that touches the world', () =>
    expect([...kinds.values()].filter((kind) => kind.runs === 'runner').map(({ type }) => type)).toEqual(['http', 'code', 'agent']));
});

/** What the read models know of effects, from the history alone. */
const heritageOf = ({ history, workflow }: Scenario): InheritedEffect[] => {
  const known = new Map<string, InheritedEffect>();
  for (const event of history) {
    const id = 'node_id' in event.data ? (event.data.node_id ?? '') : '';
    if (event.type === 'EffectIntended') known.set(id, { node: id, key: event.data.key, from: { execution_id: executionId, version: history.length } });
    if (event.type === 'NodeFailed' && workflow.nodes.get(id)?.effect?.class !== 'keyed') known.delete(id);
    const begun = known.get(id);
    if (event.type === 'NodeCompleted' && begun) known.set(id, { ...begun, receipt: { output: event.data.output } });
  }
  return [...known.values()];
};

const tried = ({ history }: Scenario): ReadonlySet<string> => new Set(history.flatMap((event) => (event.type === 'NodeStarted' ? [event.data.node_id] : [])));

const happened = ({ history, workflow }: Scenario): Map<string, string> => {
  const done = new Map<string, string>();
  for (const event of history) {
    if (event.type === 'NodeReused') for (const id of event.data.nodes) done.set(id, 'reuse');
    if (event.type === 'NodeCompleted' && event.data.returned_from) done.set(event.data.node_id, 'reuse');
    if (event.type === 'EffectUnknown') done.set(event.data.node_id, 'ask');
    if (event.type === 'NodeCompleted' && !done.has(event.data.node_id)) done.set(event.data.node_id, workflow.nodes.get(event.data.node_id)?.gate ? 'ask' : 'run');
  }
  return done;
};

/** Where the source completed, the replay (same input, same answers) gives the same output; unless a merge takes whatever comes first, or a delay gives its time. */
const completesTheSame = (source: Scenario, replay: Scenario): boolean => {
  const [was, is] = [source.history.at(-1), replay.history.at(-1)];
  if (source.workflow.definition.nodes.some(({ type }) => type === 'merge' || type === 'delay')) return true;
  return was?.type !== 'ExecutionCompleted' || JSON.stringify(was.data) === JSON.stringify(is?.data);
};

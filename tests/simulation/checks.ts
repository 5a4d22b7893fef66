import type { ExecutionView, NodeView } from '@runlog/contract';
import { partitionOf } from '@runlog/event-log';
import { digestOf, foldView, viewOf } from '@runlog/read-model';
import { agents } from './agent-checks.js';
import { bodies, outputIn } from './body-checks.js';
import { workspaceBudgets } from './budget-checks.js';
import { effectsByClass } from './effect-checks.js';
import type { Fact } from './history.js';
import { queuesAtRest } from './queue-checks.js';
import type { Effect } from './runner.js';
import { isEnding, problemsOf } from './transitions.js';
import { workflows } from './workflows.js';
import type { World } from './world.js';

type Row = Record<string, unknown>;

/** What a finished world breaks of the promises, as `<invariant>: <what>`; nothing when all hold. A history too broken to be checked is one, too. */
export const violations = (world: World): string[] => {
  const found = [...world.complaints];
  for (const check of [
    histories,
    chains,
    clients,
    endings,
    projection,
    engineState,
    leftBehind,
    effects,
    effectsByClass,
    agents,
    workspaceBudgets,
    lateness,
    values,
    sights,
    bodies,
  ])
    try {
      found.push(...check(world));
    } catch (error) {
      found.push(`I3: ${error instanceof Error ? error.message : String(error)}`);
    }
  return [...new Set(found)];
};

const histories = ({ history }: World): string[] => [...history.byExecution.values()].flatMap(problemsOf);

/** I8: command offsets only grow; nothing lands in the wrong partition. */
const chains = ({ history }: World): string[] => {
  const last = new Map<number, Fact>();
  return history.facts.flatMap((fact) => {
    const before = last.get(fact.partition);
    last.set(fact.partition, fact);
    const home = partitionOf(fact.executionId, 2);
    if (fact.partition !== home) return [`I3: '${fact.executionId}' has an event in partition ${fact.partition}, its home is ${home}`];
    if (before && fact.commandOffset < before.commandOffset) return [`I8: command offset ${fact.commandOffset} after ${before.commandOffset} in partition ${fact.partition}`];
    if (before && fact.commandOffset === before.commandOffset && fact.commandId !== before.commandId) return [`I8: two commands at offset ${fact.commandOffset}`];
    return [];
  });
};

/** I1, I9, I12: what clients saw is what the log says. */
const clients = ({ clients: { seen, asked }, history }: World): string[] => {
  const found: string[] = [];
  const counts = new Map<string, number>();
  for (const { id, type, executionId } of seen) {
    if (!history.ids.has(id)) found.push(`I9: a client saw ${type} of '${executionId}', which is void`);
    counts.set(executionId, (counts.get(executionId) ?? 0) + 1);
  }
  for (const [id, facts] of history.byExecution) if (counts.get(id) !== facts.length) found.push(`I1: clients saw ${counts.get(id) ?? 0} of ${facts.length} events of '${id}'`);
  const decidedBy = new Set(history.facts.map(({ commandId }) => commandId));
  for (const [id, { accepted, refused, command }] of asked) {
    if (accepted && !decidedBy.has(id)) found.push(`I1: ${command.type} was seen accepted, but the log has nothing of it`);
    if (refused !== null && decidedBy.has(id)) found.push(`I12: ${command.type} was refused (${refused}), but the log has events of it`);
  }
  return found;
};

/** P1: everything that was asked for has come to its end. */
const endings = ({ clients: { executions }, history }: World): string[] =>
  executions.flatMap((id) => {
    const facts = history.byExecution.get(id);
    if (!facts) return [`I1: '${id}' was never created`];
    return facts.some(isEnding) ? [] : [`P1: '${id}' has not ended; last came ${facts.at(-1)?.type} ${JSON.stringify(facts.at(-1)?.data)}`];
  });

/** Reused nodes have their rows where they ran; one that returned the receipt of an effect has its own. */
const hasRow = ({ reused_from, effect }: NodeView): boolean => reused_from === null || effect !== undefined;

/** I5: rows are the fold of the log; every count was counted once. */
const projection = ({ tables, history }: World): string[] => {
  const found: string[] = [];
  for (const [id, facts] of history.byExecution) {
    const row = tables.executions.get(id);
    if (!row) {
      found.push(`I5: '${id}' has no row`);
      continue;
    }
    const folded = facts.reduce<ExecutionView | undefined>((view, fact) => foldView(view, recordedOf(fact), namesOf(facts)), undefined) as ExecutionView;
    const nodes = [...(tables.execution_nodes.get(id)?.values() ?? [])].map(({ state, output }) => ({ ...(parsed(state) as { node_id: string }), output: parsed(output) }));
    const kept = comparable(viewOf({ settled: parsed(row.settled), live: parsed(row.live), output: parsed(row.output) } as Parameters<typeof viewOf>[0]), nodes);
    const wanted = comparable(folded, Object.values(folded.nodes ?? {}).filter(hasRow));
    if (digestOf(kept) !== digestOf(wanted)) found.push(`I5: the row of '${id}' is not the fold of the log: ${difference(wanted, kept)}`);
    const stored = [...(tables.execution_events.get(id) ?? [])].sort(([a], [b]) => a - b).map(([, event]) => event.id);
    if (stored.join() !== facts.map((fact) => fact.id).join()) found.push(`I5: the stored history of '${id}' is not the log's`);
  }
  for (const id of tables.executions.keys()) if (!history.byExecution.has(id)) found.push(`I9: '${id}' has a row, but the log does not know it`);
  for (const row of tables.projection_quarantine.values()) found.push(`I5: '${String(row.id)}' is quarantined: ${String(row.cause)}`);
  const sum = (name: string): number => [...tables.usage_daily.values()].reduce((total, row) => total + (row[name] as number), 0);
  const ended = (type: string): number => history.facts.filter((fact) => fact.type === type).length;
  const counted: readonly [string, number][] = [
    ['created', ended('ExecutionCreated')],
    ['completed', ended('ExecutionCompleted')],
    ['failed', ended('ExecutionFailed')],
    ['cancelled', ended('ExecutionCancelled')],
    ['rejected', ended('ExecutionRejected')],
  ];
  for (const [name, count] of counted) if (sum(name) !== count) found.push(`I10: usage says ${sum(name)} ${name}, the log ${count}`);
  return found;
};

/** The engine's own rows: what it would go on from. */
const engineState = ({ tables, history }: World): string[] =>
  [...history.byExecution].flatMap(([id, facts]) => {
    const row = tables.engine_state.get(id);
    const last = facts.at(-1);
    if (!row) return [`E1: the engine has no state of '${id}'`];
    return row.tip === last?.id && row.version === last?.version ? [] : [`E1: the engine's state of '${id}' is version ${String(row.version)}, the log's ${last?.version}`];
  });

/** Nothing of what has ended waits anywhere. */
const leftBehind = ({ tables }: World): string[] => {
  const found: string[] = [];
  for (const [name, rows] of Object.entries({ timers: tables.scheduler_timers, attempts: tables.scheduler_attempts, executions: tables.scheduler_executions }))
    for (const row of rows.values()) found.push(`E2: scheduler_${name} keeps a row of '${String(row.execution_id)}', which has ended`);
  found.push(...queuesAtRest(tables));
  for (const { successor_id: id } of tables.scheduler_successions.values()) found.push(`E2: the succession of '${String(id)}' is kept, but it has begun`);
  for (const { execution_id: id } of tables.gates.values()) found.push(`E2: '${String(id)}' has a row in gates, but it has ended`);
  for (const id of tables.engine_outputs.keys()) found.push(`E2: outputs of '${id}' are kept, but it has ended`);
  return found;
};

/** I6: whoever completed had an effect. */
const effects = ({ effects: done, history }: World): string[] => {
  const found: string[] = [];
  const perNode = Map.groupBy(done, ({ executionId, node }) => `${executionId}:${node}`);
  for (const fact of history.facts) {
    if (fact.type !== 'NodeCompleted' || fact.data.returned_from || (fact.data.output as { by?: string } | null)?.by !== fact.data.node_id) continue;
    const had = perNode.get(`${fact.executionId}:${String(fact.data.node_id)}`)?.some(({ attempt }) => attempt === fact.data.attempt);
    if (!had) found.push(`I6: '${String(fact.data.node_id)}' of '${fact.executionId}' completed without an effect`);
  }
  return found;
};

/** I16: on a calm day nothing is late. */
const lateness = ({ weather, history }: World): string[] =>
  weather.isCalm
    ? history.facts.flatMap((fact) => {
        const waited = history.byExecution.get(fact.executionId)?.find((one) => one.type === 'NodeWaiting' && one.data.node_id === fact.data.node_id);
        const late = fact.type === 'NodeCompleted' && waited ? fact.landedAt - (waited.data.until as number) : 0;
        return late > 2_000 ? [`I16: '${String(fact.data.node_id)}' of '${fact.executionId}' went on ${late} ms late`] : [];
      })
    : [];

/** What expressions see is what came before: node b of the chain gives what node a gave. */
const values = ({ history }: World): string[] =>
  [...history.byExecution].flatMap(([id, facts]) => {
    const outputs = facts.filter((fact) => fact.type === 'NodeCompleted').map(({ data }) => data as { node_id: string; output: unknown });
    const [a, b] = ['a', 'b'].map((node) => outputs.find((one) => one.node_id === node)?.output);
    if (facts[0]?.data.workflow_version_id !== 'chain' || a === undefined || b === undefined || JSON.stringify(a) === JSON.stringify(b)) return [];
    return [`E3: node 'b' of '${id}' saw ${JSON.stringify(b)} and not ${JSON.stringify(a)}`];
  });

const givenIn = (world: World, id: string, node: string): Partial<Effect['output']> => {
  const fact = world.history.byExecution.get(id)?.find(({ type, data }) => type === 'NodeCompleted' && data.node_id === node);
  return fact ? outputIn(world, fact) : {};
};

/** What a node saw of another is what that one gave, for all that the log says. */
const sights = (world: World): string[] =>
  [...world.history.byExecution].flatMap(([id, facts]) => {
    const given = new Map<string, Partial<Effect['output']>>();
    return facts.flatMap((fact) => {
      const { type, data } = fact;
      if (type === 'NodeReused') for (const node of data.nodes as string[]) given.set(node, givenIn(world, String(data.source_execution_id), node));
      if (type !== 'NodeCompleted' || typeof data.output !== 'object') return [];
      const { saw = {}, ...output } = outputIn(world, fact);
      given.set(String(data.node_id), output);
      if (data.returned_from) return [];
      return Object.entries(saw).flatMap(([node, run]) =>
        given.get(node)?.run === run ? [] : [`E3: node '${String(data.node_id)}' of '${id}' saw ${run} of '${node}', not what counts`],
      );
    });
  });

type Recorded = Parameters<typeof foldView>[1];
type Names = Parameters<typeof foldView>[2];

const recordedOf = ({ type, data, id, previous, executionId, version, at, commandId, commandOffset }: Fact): Recorded =>
  ({
    type,
    data: structuredClone(data),
    id,
    previous,
    executionId,
    workspaceId: '00000000-0000-7000-8000-0000000000aa',
    version,
    schemaVersion: 1,
    at,
    commandId,
    commandOffset,
    more: false,
  }) as unknown as Recorded;

const namesOf = (facts: readonly Fact[]): Names => {
  const definition = workflows[facts[0]?.data.workflow_version_id as keyof typeof workflows];
  return { nodes: new Map(definition.nodes.map((node) => [node.id, { type: node.type, definition: { name: node.name } }])) } as Names;
};

const parsed = (value: unknown): unknown => (typeof value === 'string' ? JSON.parse(value) : (value ?? null));

const comparable = ({ log_count: _count, last_log_line: _line, nodes: _nodes, ...view }: ExecutionView, nodes: readonly { readonly node_id: string }[]): Row => ({
  ...view,
  nodes: Object.fromEntries(nodes.map((node) => [node.node_id, node])),
});

const difference = (wanted: Row, kept: Row): string => {
  const member = Object.keys(wanted).find((name) => digestOf(wanted[name]) !== digestOf(kept[name])) ?? 'something';
  return `'${member}' is ${(JSON.stringify(kept[member]) ?? '').slice(0, 200)} and not ${(JSON.stringify(wanted[member]) ?? '').slice(0, 200)}`;
};

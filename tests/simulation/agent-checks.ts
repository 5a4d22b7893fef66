import type { SeenCall } from './agent.js';
import type { Fact } from './history.js';
import { budgetsOfNodes } from './workflows.js';
import type { World } from './world.js';

/** One agent in one execution. */
interface Lived {
  readonly name: string;
  readonly facts: readonly Fact[];
  readonly seen: readonly SeenCall[];
}

/** J1 to J6: what agents did, and what is known of it. */
export const agents = (world: World): string[] => {
  const seen = Map.groupBy(world.calls, ({ executionId, node }) => `${executionId}:${node}`);
  const found: string[] = [];
  for (const [id, facts] of world.history.byExecution) {
    const nodes = Map.groupBy(facts, ({ data }) => String(data.node_id));
    for (const [node, own] of nodes) {
      if (!own.some(({ type, data }) => data.call || type === 'BudgetExhausted')) continue;
      const lived = { name: `'${node}' of '${id}'`, facts: own, seen: seen.get(`${id}:${node}`) ?? [] };
      found.push(...[...journaled(lived), ...begunOnce(lived), ...sound(lived), ...onWord(lived), ...asRecorded(lived)]);
    }
    found.push(...within(id, facts), ...spent(id, facts, world));
  }
  return found;
};

const at = (facts: readonly Fact[], type: string, key: string, attempt?: number): Fact | undefined =>
  facts.find((fact) => fact.type === type && fact.data.call && fact.data.key === key && (attempt === undefined || fact.data.attempt === attempt));

/** J1: the intent of each call is on the log before the world sees it. */
const journaled = ({ name, facts, seen }: Lived): string[] =>
  seen.flatMap(({ key, attempt, at: seenAt }) => {
    const intent = at(facts, 'EffectIntended', key, attempt);
    return intent && intent.landedAt <= seenAt ? [] : [`J1: call '${key}' of ${name} was made by attempt ${attempt} before its intent was recorded`];
  });

/** J2: a call has one receipt at most, is begun by an attempt once, and never again once it has its receipt. */
const begunOnce = ({ name, facts, seen }: Lived): string[] => {
  const found: string[] = [];
  const recorded = new Set<string>();
  const begun = new Set<string>();
  for (const { type, data } of facts) {
    const key = String(data.key);
    if (!data.call) continue;
    if (type === 'EffectRecorded' && recorded.has(key)) found.push(`J2: call '${key}' of ${name} has two receipts`);
    if (type === 'EffectIntended' && recorded.has(key)) found.push(`J2: call '${key}' of ${name} was begun again, and has its receipt`);
    if (type === 'EffectIntended' && begun.has(`${key} ${String(data.attempt)}`)) found.push(`J2: call '${key}' of ${name} was begun twice by attempt ${String(data.attempt)}`);
    if (type === 'EffectIntended') begun.add(`${key} ${String(data.attempt)}`);
    if (type === 'EffectRecorded') recorded.add(key);
  }
  for (const [id, calls] of Map.groupBy(seen, ({ key, attempt }) => `${key}' by attempt '${attempt}`))
    if (calls.length > 1) found.push(`J2: the world saw call '${id}' of ${name} ${calls.length} times`);
  for (const { key, attempt, at: seenAt } of seen) {
    const receipt = at(facts, 'EffectRecorded', key);
    if (receipt && receipt.landedAt < seenAt && Number(receipt.data.attempt) <= attempt) found.push(`J2: the world saw call '${key}' of ${name}, which has its receipt`);
  }
  return found;
};

/** J7: an agent fails as its models do, or as its limits say; never for what its journal lacks. */
const sound = ({ name, facts }: Lived): string[] =>
  facts.flatMap(({ type, data }) => {
    const code = type === 'NodeFailed' ? (data.error as { code: string }).code : 'model_failed';
    return ['model_failed', 'attempt_lost', 'budget_exhausted'].includes(code) ? [] : [`J7: ${name} failed with ${code}`];
  });

/** J3: what needs a word is done on one: before it is done at all, or before it is done again. */
const onWord = ({ name, facts, seen }: Lived): string[] => {
  const said = (key: string, word: string, before: number): number =>
    facts.filter(({ type, data, landedAt }) => {
      const decision = type === 'ResponseReceived' ? data.decision : type === 'GateExpired' ? data.outcome : undefined;
      return decision === word && landedAt <= before && rootOf(String(data.gate_id).split('.').slice(2).join('.')) === key;
    }).length;
  return [...Map.groupBy(seen, ({ key }) => rootOf(key))].flatMap(([key, calls]) =>
    calls.flatMap(({ name: tool, at: seenAt }, before) => {
      if (tool === 'approved' && said(key, 'approve', seenAt) === 0) return [`J3: call '${key}' of ${name} was made before anybody approved it`];
      return tool === 'asking' && said(key, 'repeat', seenAt) < before ? [`J3: call '${key}' of ${name} was made again without a word`] : [];
    }),
  );
};

/** The call itself, whichever try it is. */
const rootOf = (key: string): string => key.replace(/^(m\d+(?:\.t\d+)?)(?:\.\d+)?$/, '$1');

/** J4: what an agent went by is what the log says that its calls came to, and what the world gave. */
const asRecorded = ({ name, facts, seen }: Lived): string[] => {
  const runs = new Set(seen.map(({ key, run }) => `${key} ${run}`));
  const receipts = facts.filter(({ type, data }) => type === 'EffectRecorded' && data.call);
  const found = receipts.flatMap(({ data }) => {
    const { run } = (data.receipt ?? {}) as { run?: string };
    return data.key === 'session' || runs.has(`${String(data.key)} ${run}`) ? [] : [`J4: the receipt of call '${String(data.key)}' of ${name} is not what the world gave`];
  });
  const completed = facts.find(({ type }) => type === 'NodeCompleted')?.data.output as { heard?: string[] } | undefined;
  const known = new Set(['people', ...receipts.map(({ data }) => (data.receipt as { run: string }).run)]);
  for (const run of completed?.heard ?? []) if (!known.has(run)) found.push(`J4: ${name} went by ${run}, of which the log knows nothing`);
  return found;
};

const lettingGo = new Set(['AttemptLost', 'NodeFailed', 'NodeStopped', 'NodeCompleted', 'ApprovalRequested', 'QuestionRequested', 'EffectUnknown', 'BudgetExhausted']);

/** J5: what is spent and what is reserved never are more than a budget, the execution's or a node's, at any event. */
const within = (id: string, facts: readonly Fact[]): string[] => {
  const { budget_nano_usd: ofExecution, workflow_version_id: version } = facts[0]?.data ?? {};
  const nodes = Object.entries(budgetsOfNodes).filter(([node]) => version === 'agents' && facts.some(({ data }) => data.node_id === node));
  return [
    ...(typeof ofExecution === 'string' ? overdrawn(`'${id}'`, facts, BigInt(ofExecution), 'execution') : []),
    ...nodes.flatMap(([node, usd]) =>
      overdrawn(
        `'${node}' of '${id}'`,
        facts.filter(({ data }) => data.node_id === node),
        inNano(usd),
        'node',
      ),
    ),
  ];
};

const inNano = (usd: number): bigint => BigInt(Math.round(usd * 1e9));

const overdrawn = (name: string, facts: readonly Fact[], created: bigint, scope: string): string[] => {
  let budget = created;
  let spent = 0n;
  const open = new Map<string, bigint>();
  const asked = new Set<string>();
  const settle = (place: string, amount: bigint): void => {
    open.delete(place);
    spent += amount;
  };
  return facts.flatMap(({ type, data, version }) => {
    const place = `${String(data.node_id)} ${String(data.key)}`;
    if (type === 'BudgetReserved') open.set(place, BigInt(String(data.nano_usd)));
    if (type === 'TokensUsed') settle(place, data.cost_nano_usd === null ? (open.get(place) ?? 0n) : BigInt(String(data.cost_nano_usd)));
    if (type === 'EffectRecorded' && data.call) settle(place, 0n);
    if (type === 'BudgetExhausted' && data.scope === scope) asked.add(String(data.gate_id));
    if (type === 'ResponseReceived' && data.decision === 'approve' && asked.has(String(data.gate_id))) budget = inNano((data.answer as { budget_usd: number }).budget_usd);
    if (lettingGo.has(type)) for (const [one, amount] of [...open]) if (one.startsWith(`${String(data.node_id)} `)) settle(one, amount);
    const reserved = [...open.values()].reduce((sum, amount) => sum + amount, 0n);
    return spent + reserved > budget ? [`J5: ${name} has spent ${spent} and reserved ${reserved} of ${budget} nano-USD at version ${version}`] : [];
  });
};

/** J6: the read model's cost is the sum of what the calls cost. */
const spent = (id: string, facts: readonly Fact[], { tables }: World): string[] => {
  const used = facts.filter(({ type }) => type === 'TokensUsed');
  const sum = used.reduce((total, { data }) => total + BigInt(String(data.cost_nano_usd ?? '0')), 0n);
  const row = tables.executions.get(id);
  return row && BigInt(row.cost_nano_usd as string) !== sum ? [`J6: the row of '${id}' says that it cost ${String(row.cost_nano_usd)}, its calls say ${sum}`] : [];
};

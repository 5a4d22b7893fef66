import type { PriceList } from '@runlog/cost';
import type { AgentVersion, Catalog } from '@runlog/read-model';
import { type AgentDefinition, type ModelChoice, nearest, type WorkflowDefinition } from '@runlog/workflow';
import { workflowRef } from '../executions/pinned-workflows.js';
import type { ProblemPointer } from '../http/problem.js';

const MAX_GUESSES = 50;

/** The versions of agents that a workflow's version pins, by node; or what is wrong with its nodes of agents. */
export type Pins = { readonly agents?: { readonly [node: string]: string } } | { readonly problems: readonly ProblemPointer[] };

/** The models of an agent whose price nobody knows, by their pointers: with a budget none of their calls could be made. */
export const unpriced = (prices: PriceList, { model, fallback }: Pick<AgentDefinition, 'model' | 'fallback'>, at: Date): readonly (readonly [string, ModelChoice])[] =>
  Object.entries({ model, ...(fallback ? { fallback } : {}) })
    .filter(([, { provider, name }]) => prices.priceOf(provider, name, at) === undefined)
    .map(([member, choice]) => [`/${member}/name`, choice] as const);

export const priceExpected = ({ name }: ModelChoice, budget: string): string =>
  `Expected a model with a known price, because ${budget} is set, but there is none for '${name}'; add it to the file that RUNLOG_PRICES names, or leave the budget out`;

/** Finds the latest versions of the agents that a definition names by id or key. */
export const pinsOf = async (catalog: Catalog, prices: PriceList, workspaceId: string, { nodes, settings }: WorkflowDefinition): Promise<Pins> => {
  const named = nodes.flatMap(({ id, type, config }, index) => (type === 'agent' ? [{ id, ref: String(config.agent), pointer: `/nodes/${index}/config/agent` }] : []));
  if (named.length === 0) return {};
  const refs = [...new Set(named.map(({ ref }) => ref))];
  const found = new Map(await Promise.all(refs.map(async (ref) => [ref, await latestOf(catalog, workspaceId, ref)] as const)));
  const problems: ProblemPointer[] = [];
  const agents: { [node: string]: string } = {};
  const keys = named.some(({ ref }) => !found.get(ref)) ? (await catalog.agents(workspaceId, { limit: 1000 })).map(({ key }) => key) : [];
  const at = new Date();
  for (const { id, ref, pointer } of named) {
    const version = found.get(ref);
    if (!version) {
      const meant = problems.length < MAX_GUESSES ? nearest(ref, keys) : undefined;
      problems.push({ pointer, detail: `Expected the id or key of an agent, but there is no '${ref.slice(0, 80)}'`, ...(meant === undefined ? {} : { suggestion: meant }) });
      continue;
    }
    agents[id] = version.id;
    const [free] = settings?.budget_usd === undefined ? [] : unpriced(prices, version.definition, at);
    if (free) problems.push({ pointer, detail: priceExpected(free[1], "the workflow's budget_usd") });
  }
  return problems.length > 0 ? { problems } : { agents };
};

const latestOf = async (catalog: Catalog, workspaceId: string, ref: string): Promise<AgentVersion | null> => {
  const known = workflowRef(ref);
  const agent = known === null ? null : await catalog.agent(workspaceId, known);
  return agent && catalog.agentVersion(workspaceId, agent.id, agent.currentVersion);
};

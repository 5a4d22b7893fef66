import type { Json } from '@runlog/execution';
import type { EdgeDefinition, NodeDefinition, PinnedAgent, WorkflowDefinition } from '@runlog/workflow';

type Config = { readonly [member: string]: Json };

const retry = { max_attempts: 3, initial_ms: 300, factor: 2, max_ms: 3_000, jitter: true };
const node = (id: string, type: string, config: Config = {}, more: Partial<NodeDefinition> = {}): NodeDefinition => ({ id, type, name: id, config, ...more });
const code = (id: string, more: Partial<NodeDefinition> = {}): NodeDefinition => node(id, 'code', { source: 'return 1;' }, more);
const reading = (id: string, ...before: string[]): NodeDefinition => node(id, 'code', { source: `return [${before.map((one) => `nodes.${one}`).join()}];` }, { retry });
const edges = (...paths: string[]): EdgeDefinition[] =>
  paths.flatMap((path) => {
    const stops = path.split(' ').map((stop) => stop.split(':') as [string, string?]);
    return stops.slice(1).map(([to], at) => {
      const [from, branch] = stops[at] as [string, string?];
      return { from: from === '.' ? 'start_of_workflow' : from, to, ...(branch === undefined ? {} : { branch }) };
    });
  });

const agent = (id: string, more: Partial<NodeDefinition> = {}): NodeDefinition => node(id, 'agent', { agent: 'simulated' }, more);
const crowd = Array.from({ length: 5 }, (_, at) => `think${at}`);

const many = Array.from({ length: 270 }, (_, at) => `n${at}`);

const of = (key: string, nodes: readonly NodeDefinition[], more: Partial<WorkflowDefinition> & Pick<WorkflowDefinition, 'edges'>): WorkflowDefinition => ({
  key,
  name: key,
  nodes,
  ...more,
});

/** What runs: each has something of its own that can go wrong. */
export const workflows = {
  chain: of('chain', [code('a'), node('b', 'transform', { expression: 'nodes.a' }), code('c', { retry })], { edges: edges('. a c b') }),
  leg: of('leg', [code('a', { retry }), reading('b', 'a'), reading('c', 'a', 'b'), reading('d', 'c'), code('x', { retry }), reading('e', 'd', 'x')], {
    edges: edges('. a b c d e', '. x e'),
  }),
  fork: of(
    'fork',
    [code('a'), code('b', { retry }), node('which', 'condition', { expression: 'input.even' }), code('yes'), code('no'), node('join', 'merge', { mode: 'all' }), code('z')],
    {
      edges: edges('. a join', '. b join', '. which:true yes join', 'which:false no join', 'join z'),
    },
  ),
  gate: of(
    'gate',
    [
      code('a'),
      node('ask', 'approval', { prompt: 'Go on?', expires_in_seconds: 12, on_expiry: 'approve', on_reject: 'branch', reminders_seconds: [2, 4] }),
      code('done'),
      code('undone'),
    ],
    { edges: edges('. a ask:approved done', 'ask:rejected undone') },
  ),
  question: of('question', [node('ask', 'question', { prompt: 'What?' }), node('two', 'approval', { prompt: 'Both?', approvers: { needed: 2 } }), code('use')], {
    edges: edges('. ask two use'),
  }),
  delay: of('delay', [node('wait', 'delay', { seconds: 2 }), code('a'), node('more', 'delay', { seconds: 1 })], { edges: edges('. wait a more') }),
  once: of('once', [code('pay', { effect: 'at_most_once', retry: { max_attempts: 1 } }), code('tell')], { edges: edges('. pay tell') }),
  keyed: of('keyed', [code('a'), code('pay', { effect: 'keyed', retry }), code('tell', { retry })], { edges: edges('. a pay tell') }),
  asking: of('asking', [code('pay', { on_unknown: 'ask', retry }), code('b'), code('again', { effect: 'at_most_once', retry })], { edges: edges('. pay again', '. b again') }),
  declared: of('declared', [code('pay', { effect: 'at_least_once' }), node('sum', 'transform', { expression: 'nodes.pay' }), code('tell', { retry })], {
    edges: edges('. pay sum tell'),
  }),
  timed: of('timed', [code('a'), node('wait', 'delay', { seconds: 300 })], { edges: edges('. a wait') }),
  agent: of('agent', [code('a'), agent('think', { retry }), code('tell')], { edges: edges('. a think tell') }),
  agents: of('agents', [...crowd.map((id) => agent(id, { retry: { ...retry, max_attempts: 9 } })), code('tell')], { edges: crowd.flatMap((id) => edges(`. ${id} tell`)) }),
  heavy: of(
    'heavy',
    [
      code('big'),
      node('size', 'transform', { expression: '$length(nodes.big.pad)' }),
      node('same', 'transform', { expression: 'nodes.big' }),
      code('next', { config: { source: 'return nodes.same;' } }),
      node('copy', 'transform', { expression: '{ "all": nodes.next.run & input.pad, "pad": nodes.same.pad }' }),
      node('ask', 'question', { prompt: 'What?' }),
    ],
    { edges: edges('. big size same next copy ask'), output: '[nodes.ask, nodes.copy]' },
  ),
  wide: of('wide', [code('a'), ...many.map((id) => node(id, 'merge', { mode: 'all' })), code('z')], { edges: edges(...many.map((id) => `a ${id} z`), '. a') }),
} as const satisfies Record<string, WorkflowDefinition>;

export type WorkflowKey = keyof typeof workflows;

/** USD. */
export const budgetsOfNodes: { readonly [node: string]: number } = { think0: 0.000_001_5 };

/** Every agent is the same; the first of a crowd has a budget of its own. */
const agentsOf = ({ nodes }: WorkflowDefinition): { readonly [node: string]: PinnedAgent } =>
  Object.fromEntries(nodes.flatMap(({ id, type }) => (type === 'agent' ? [[id, { ...pinned, limits: id in budgetsOfNodes ? { budget_usd: budgetsOfNodes[id] } : {} }]] : [])));

const pinned = {
  key: 'simulated',
  name: 'Simulated',
  model: { provider: 'openai', name: 'model' },
  tools: [],
  guardrails: [],
  agent_id: '00000000-0000-7000-8000-0000000000ag',
  agent_version_id: '00000000-0000-7000-8000-0000000000av',
  version: 1,
} as const;

/** The catalog as every station asks it; versions are named after their workflow. */
export const catalog = {
  workflowVersion: async (versionId: string) => {
    const definition = (workflows as Record<string, WorkflowDefinition>)[versionId];
    return definition ? { versionId, workflowId: workflowId(versionId), workspaceId, number: 1, definition, agents: agentsOf(definition) } : null;
  },
};

export const workspaceId = '00000000-0000-7000-8000-0000000000aa';
export const workflowId = (key: string): string => `00000000-0000-7000-8000-${Buffer.from(key.padEnd(6).slice(0, 6)).toString('hex')}`;

import type { Catalog } from '@runlog/read-model';
import type { WorkflowDefinition } from '@runlog/workflow';

/** Workflows that are there on the first start, so that nobody begins with an empty page. */
const samples: readonly WorkflowDefinition[] = [
  {
    key: 'hello',
    name: 'Hello',
    description: 'A transform and a code node: the smallest workflow that does something.',
    input_schema: { type: 'object', properties: { name: { type: 'string' } } },
    nodes: [
      { id: 'name', type: 'transform', name: 'Name', config: { expression: 'input.name ? input.name : "world"' } },
      { id: 'shout', type: 'code', name: 'Shout', config: { source: 'console.log("shouting");\nreturn nodes.name.toUpperCase() + "!";' } },
      { id: 'greet', type: 'transform', name: 'Greet', config: { expression: '"Hello " & nodes.shout' } },
    ],
    edges: [
      { from: 'start_of_workflow', to: 'name' },
      { from: 'name', to: 'shout' },
      { from: 'shout', to: 'greet' },
    ],
  },
  {
    key: 'expense',
    name: 'Expense',
    description: 'Small expenses are paid at once, large ones after somebody approved.',
    input_schema: { type: 'object', required: ['amount'], properties: { amount: { type: 'number', minimum: 0 }, reason: { type: 'string' } } },
    nodes: [
      { id: 'large', type: 'condition', name: 'Large?', config: { expression: 'input.amount > 100' } },
      { id: 'ask', type: 'approval', name: 'Approve', config: { prompt: 'Pay {{ input.amount }} for {{ input.reason ? input.reason : "an unnamed reason" }}?' } },
      { id: 'pay', type: 'code', name: 'Pay', config: { source: 'return { paid: input.amount };' } },
    ],
    edges: [
      { from: 'start_of_workflow', to: 'large' },
      { from: 'large', to: 'ask', branch: 'true' },
      { from: 'large', to: 'pay', branch: 'false' },
      { from: 'ask', to: 'pay' },
    ],
    output: 'nodes.pay',
  },
];

/** Publishes the samples into the default workspace unless it has workflows already. */
export const publishSamples = async (catalog: Catalog): Promise<void> => {
  const { workspace } = await catalog.seedDefaults();
  const present = await catalog.workflows(workspace.id, { limit: 1 });
  if (present.length > 0) return;
  for (const definition of samples) await catalog.createWorkflow({ workspaceId: workspace.id, definition, by: null, at: Date.now() });
};

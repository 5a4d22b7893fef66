import { agentSchema, definitionSchema, kinds, toolKinds } from '@runlog/workflow';
import { arrayOf, ref, type Schema } from './json-schema.js';

type Open = { readonly properties: Readonly<Record<string, Schema>>; readonly [keyword: string]: unknown };

const definition = definitionSchema as unknown as Open;
const node = (definition.properties.nodes as { items: Open }).items;

const nameOf = (type: string): string => `${type.charAt(0).toUpperCase()}${type.slice(1)}Node`;

const nodeOfKind = ([type, { configSchema }]: [string, { configSchema: Schema }]): [string, Schema] => {
  const needsConfig = ((configSchema.required as readonly string[] | undefined) ?? []).length > 0;
  const properties = { ...node.properties, type: { const: type }, config: configSchema };
  return [nameOf(type), { ...node, properties, required: ['id', 'type', ...(needsConfig ? ['config'] : [])] }];
};

const agent = agentSchema as unknown as Open;
const tool = (agent.properties.tools as { items: Open }).items;

const toolOfKind = ([kind, { configSchema }]: [string, { configSchema: Schema }]): Schema => ({
  ...tool,
  properties: { ...tool.properties, kind: { const: kind }, config: configSchema },
});

/** Workflow definitions, with a schema per kind of node: what the workflow library checks first. References, expressions and the graph it checks beside. */
export const definitionSchemas: Readonly<Record<string, Schema>> = {
  Definition: {
    ...definition,
    description: 'A workflow. Its expressions, references and graph are checked too: everything that is wrong is named at once',
    properties: { ...definition.properties, nodes: { ...definition.properties.nodes, ...arrayOf(ref('NodeDefinition')) } },
  },
  NodeDefinition: {
    oneOf: [...kinds.keys()].map((type) => ref(nameOf(type))),
    discriminator: { propertyName: 'type', mapping: Object.fromEntries([...kinds.keys()].map((type) => [type, ref(nameOf(type)).$ref])) },
  },
  ...Object.fromEntries([...kinds].map(nodeOfKind)),
  AgentDefinition: {
    ...agent,
    description: 'An agent. Its templates, tools and guardrails are checked too: everything that is wrong is named at once',
    properties: { ...agent.properties, tools: { ...agent.properties.tools, items: { oneOf: [...toolKinds].map(toolOfKind) } } },
  },
};

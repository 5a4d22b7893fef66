import type { Json, NodeDefinition } from './definition.js';
import { directPath } from './expression/direct-path.js';
import { parse } from './expression/parsed.js';
import { templateParts } from './expression/templates.js';
import type { Workflow } from './graph.js';
import { templateIn } from './kinds/kind.js';
import { kinds } from './kinds/registry.js';

/** Ids of nodes that a node's config names, whether they exist or not; 'ancestors' when the text does not say which it reads. */
export function referencesOf(node: NodeDefinition): readonly string[] | 'ancestors' {
  const kind = kinds.get(node.type);
  if (kind === undefined) return 'ancestors';
  const found = new Set<string>();
  for (const text of expressionsIn(node)) {
    const shape = shapeOrNothing(text);
    if (shape?.readsAnyNode !== false) return 'ancestors';
    for (const { node: id } of shape.references) found.add(id);
  }
  for (const member of kind.sources ?? []) {
    const inSource = referencesInSource(String(node.config[member]));
    if (inSource === 'ancestors') return inSource;
    for (const id of inSource) found.add(id);
  }
  return [...found];
}

const shapeOrNothing = (text: string) => {
  try {
    return parse(text).shape;
  } catch {
    return undefined;
  }
};

/** Every expression of a node's config: whole members and those within `{{ }}`. */
function* expressionsIn(node: NodeDefinition): Iterable<string> {
  const kind = kinds.get(node.type);
  for (const member of kind?.expressions ?? []) if (typeof node.config[member] === 'string') yield node.config[member];
  for (const member of kind?.templates ?? []) yield* inTemplates((kind && templateIn(kind, node.config, member)) ?? null);
}

function* inTemplates(value: Json): Iterable<string> {
  if (typeof value === 'string') {
    if (value.includes('{{')) for (const part of templateParts(value).parts) if (typeof part !== 'string') yield part.expression;
  } else if (typeof value === 'object' && value !== null) for (const member of Object.values(value)) yield* inTemplates(member);
}

const inputReaders = new WeakMap<NodeDefinition, boolean>();

/** False only if the node's config can't read the execution's input. */
export function readsInput(node: NodeDefinition): boolean {
  const known = inputReaders.get(node);
  if (known !== undefined) return known;
  const kind = kinds.get(node.type);
  const reads = kind === undefined || [...expressionsIn(node)].some(expressionReadsInput) || (kind.sources ?? []).some((member) => sourceReadsInput(String(node.config[member])));
  inputReaders.set(node, reads);
  return reads;
}

function expressionReadsInput(text: string): boolean {
  const shape = shapeOrNothing(text);
  return !shape || shape.readsAnyNode || shape.names.has('input');
}

const sourceReadsInput = (source: string): boolean => /\b(?:arguments|eval|Function|with)\b|\\u|(?<![\w$.])input(?![\w$])/.test(source);

/** Whether the workflow's output expression may read the execution's input. */
export const outputReadsInput = ({ definition }: Pick<Workflow, 'definition'>): boolean => definition.output !== undefined && expressionReadsInput(definition.output);

/** What an expression gives unchanged: the whole input, the whole output of a node; undefined for any other. */
export function givesWhole(text: string): 'input' | { readonly node: string } | undefined {
  const [first, node, ...more] = directPath(text.trim()) ?? [];
  if (first === 'input' && node === undefined) return 'input';
  return first === 'nodes' && node !== undefined && more.length === 0 ? { node } : undefined;
}

/** JavaScript is searched as text: what looks like a use of `nodes` counts as one, in a comment too. */
function referencesInSource(source: string): readonly string[] | 'ancestors' {
  if (/\b(?:arguments|eval|Function|with)\b/.test(source)) return 'ancestors';
  const found: string[] = [];
  for (const { index } of source.matchAll(/(?<![\w$.]|\\u)nodes(?![\w$])/g)) {
    const access = /^nodes\s*(?:(?:\?\s*)?\.\s*([A-Za-z_]\w*)(?![\w$])|(?:\?\s*\.\s*)?\[\s*(?:'(\w+)'|"(\w+)"|`(\w+)`)\s*\])/.exec(source.slice(index, index + 200));
    const id = access?.[1] ?? access?.[2] ?? access?.[3] ?? access?.[4];
    if (id === undefined) return 'ancestors';
    found.push(id);
  }
  return /\\u/.test(source) ? 'ancestors' : found;
}

/** Ids of nodes that the workflow's output expression reads; 'all' when its text does not say which. */
export function referencesOfOutput({ definition, nodes }: Pick<Workflow, 'definition' | 'nodes'>): readonly string[] | 'all' {
  const shape = definition.output === undefined ? undefined : shapeOrNothing(definition.output);
  if (shape?.readsAnyNode !== false) return 'all';
  return [...new Set(shape.references.map(({ node }) => node))].filter((id) => nodes.has(id));
}

import type { Json } from '../definition.js';
import type { Kind } from '../kinds/kind.js';
import { kinds } from '../kinds/registry.js';

export interface DraftNode {
  readonly index: number;
  readonly id: string;
  readonly kind: Kind | undefined;
  readonly type: Json | undefined;
  readonly config: { readonly [member: string]: Json };
}

export interface DraftEdge {
  readonly index: number;
  readonly from: string;
  readonly to: string;
  readonly branch: Json | undefined;
}

/** What can be read of a body that may be wrong in places: enough to look for every other mistake at once. */
export interface Draft {
  readonly body: { readonly [member: string]: Json };
  /** Nodes with an id, the first of each. */
  readonly nodes: ReadonlyMap<string, DraftNode>;
  readonly doubles: readonly DraftNode[];
  /** Edges with both ends given. */
  readonly edges: readonly DraftEdge[];
}

export function draftOf(body: Json): Draft {
  const nodes = new Map<string, DraftNode>();
  const doubles: DraftNode[] = [];
  const members = membersOf(body);
  itemsOf(members.nodes).forEach((item, index) => {
    const { id, type, config } = membersOf(item);
    if (typeof id !== 'string') return;
    const node = { index, id, type, kind: typeof type === 'string' ? kinds.get(type) : undefined, config: membersOf(config) };
    if (nodes.has(id)) doubles.push(node);
    else nodes.set(id, node);
  });
  const edges = itemsOf(members.edges).flatMap((item, index) => {
    const { from, to, branch } = membersOf(item);
    return typeof from === 'string' && typeof to === 'string' ? [{ index, from, to, branch }] : [];
  });
  return { body: members, nodes, doubles, edges };
}

const itemsOf = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : []);

export const membersOf = (value: Json | undefined): { readonly [member: string]: Json } => (typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {});

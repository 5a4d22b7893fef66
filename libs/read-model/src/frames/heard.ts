import type { HeardView } from '@runlog/contract';
import type { AgentFrame } from '@runlog/execution';
import { spanOf } from './agent-message.js';

/** A frame of a tool that is sent twice comes again within so many. */
const REMEMBERED = 256;

type Writable = { -readonly [Member in keyof HeardView]: HeardView[Member] };

/** Anything that is said of a node, with or without its text. */
export interface Piece {
  readonly kind: AgentFrame['kind'];
  readonly span: { readonly from: number; readonly to: number } | null;
  /** Tells a tool's frames apart. */
  readonly id?: string;
}

export const pieceOf = (frame: AgentFrame): Piece => ({ kind: frame.kind, span: spanOf(frame), ...('id' in frame && { id: frame.id }) });

/**
 * What a reader has heard of the agents of one execution. Frames come in the order of their topic, some twice, and some of an attempt that
 * another has taken over from: whoever applies these rules to the same frames has the same text. Content with a gap before it is left out,
 * because it would be joined wrongly.
 */
export class Heard {
  private readonly nodes = new Map<string, Writable>();
  private readonly tools = new Set<string>();

  constructor(known: readonly HeardView[] = []) {
    for (const node of known) this.nodes.set(node.node_id, { ...node });
  }

  get views(): readonly HeardView[] {
    return [...this.nodes.values()];
  }

  /** How many units of its text are known already (0 where there is none), or null: nothing of it is to be shown. */
  hear(nodeId: string, attempt: number, { kind, span, id }: Piece): number | null {
    const node = this.of(nodeId);
    if (attempt < node.attempt) return null;
    node.attempt = attempt;
    if (span) return extend(node, kind === 'content' ? 'content' : 'thinking', span);
    return kind !== 'fence' && this.isNew(`${kind} ${nodeId} ${id}`) ? 0 : null;
  }

  private of(nodeId: string): Writable {
    let node = this.nodes.get(nodeId);
    if (!node) this.nodes.set(nodeId, (node = { node_id: nodeId, attempt: 0, thinking: 0, content: 0, is_torn: false }));
    return node;
  }

  private isNew(tool: string): boolean {
    if (this.tools.has(tool)) return false;
    this.tools.add(tool);
    if (this.tools.size > REMEMBERED) this.tools.delete(this.tools.values().next().value as string);
    return true;
  }
}

const extend = (node: Writable, kind: 'content' | 'thinking', { from, to }: { readonly from: number; readonly to: number }): number | null => {
  const known = node[kind];
  if (to <= known) return null;
  if (from > known && kind === 'content') {
    node.is_torn = true;
    return null;
  }
  node[kind] = to;
  if (kind === 'content') node.is_torn = false;
  return Math.max(0, known - from);
};

/** A frame without the first units of its text. */
export const without = (frame: AgentFrame, units: number): AgentFrame =>
  units === 0 || !('text' in frame) ? frame : { ...frame, text: frame.text.slice(units), from: frame.from + units };

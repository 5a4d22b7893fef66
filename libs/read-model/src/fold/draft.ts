import type { AttemptView, ExecutionView, GateView, NodeView } from '@runlog/contract';

type Mutable<T> = { -readonly [Member in keyof T]: T[Member] };

/** The views as the fold changes them, in place. Everybody else sees them read-only. */
export type GateDraft = Mutable<GateView>;
export type AttemptDraft = Mutable<AttemptView>;
export type NodeDraft = Mutable<Omit<NodeView, 'attempts'>> & { attempts: AttemptDraft[] };
export type ExecutionDraft = Mutable<Omit<ExecutionView, 'nodes' | 'gates'>> & { nodes: { [node: string]: NodeDraft }; gates: GateDraft[] };

/** What the fold needs to know of a definition: types and names of nodes. A compiled workflow is one. */
export interface NodeNames {
  readonly nodes: ReadonlyMap<string, { readonly type: string; readonly definition: { readonly name: string }; readonly agent?: { readonly agent_id: string } | null }>;
}

/** Node ids may be names like `__proto__`, so that the map must have no prototype. */
export const noNodes = (): { [node: string]: NodeDraft } => Object.create(null) as { [node: string]: NodeDraft };

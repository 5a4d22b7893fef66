import type { NodeId } from './ids.js';

/**
 * A body in the artifact store, by the digest of its bytes (`sha256:<hex>`). It stands in a member of its own, `<member>_ref`, beside
 * the member that is null for it and never within one: nothing that a user sends can be taken for it.
 */
export interface BodyReference {
  readonly digest: string;
  readonly bytes: number;
  readonly media_type: string;
}

/** What stands for values that are stored elsewhere: the members of a scope of which only a reference is at hand. */
export interface ScopeBodies {
  readonly input?: BodyReference;
  readonly nodes: { readonly [node: NodeId]: BodyReference };
}

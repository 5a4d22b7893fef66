/** Ids are strings with a brand, so that one kind can't be passed for another. `as` casts happen only where a record or request is parsed. */
type Branded<Kind extends string> = string & { readonly __kind?: Kind };

/** UUIDv7. */
export type ExecutionId = Branded<'ExecutionId'>;
/** As in the definition: `[A-Za-z0-9_]{1,64}`. */
export type NodeId = Branded<'NodeId'>;
/** `<node>.<attempt>`: unique within its execution. */
export type GateId = Branded<'GateId'>;
export type WorkspaceId = Branded<'WorkspaceId'>;
export type WorkflowVersionId = Branded<'WorkflowVersionId'>;
export type CommandId = Branded<'CommandId'>;
/** One start of one runner process: a new id after every restart. */
export type RunnerId = Branded<'RunnerId'>;
/** Milliseconds since 1970, UTC. */
export type Instant = number;
/** `user:<id>`, `user:key_<prefix>` or `system:<reason>`. */
export type Actor = string;

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

import type { Json } from './definition.js';

/** What expressions and code see. `nodes` holds the outputs of completed nodes only. */
export interface Scope {
  readonly input: Json;
  readonly nodes: { readonly [node: string]: Json };
  readonly execution: Json;
  readonly item?: Json;
  /** Bytes of stored bodies in it: an expression may hold so much more. */
  readonly bytes?: number;
}

/** Makes `$now`, `$millis`, `$random` and `$shuffle` a function of the command: the same command gives the same bytes. */
export interface Seed {
  /** The command's time, milliseconds since 1970. */
  readonly at: number;
  readonly commandId: string;
}

/** The names that an expression may begin with. */
export const scopeMembers: readonly string[] = ['input', 'nodes', 'execution', 'item'];

import type { Json } from '../definition.js';
import type { Problem } from '../problem.js';

export type Config = { readonly [member: string]: Json };

/**
 * What a definition may say about one kind of node. How a node of the kind runs is elsewhere: inline kinds in `run-pure.ts`,
 * gates and timers in `libs/execution`, all others in `apps/runner/src/kinds`.
 */
export interface Kind {
  /** The node's `type`. */
  readonly type: string;
  /** Where a node of this kind runs: inside the engine, as a question to people, as a timer, or in a runner. */
  readonly runs: 'inline' | 'gate' | 'timer' | 'runner';
  /** JSON Schema of `config`. Members in `templates` may also be a string with `{{ }}` where it says so. */
  readonly configSchema: { readonly [keyword: string]: Json };
  /** Members of `config` that are one JSONata expression each. */
  readonly expressions: readonly string[];
  /** Members of `config` whose strings may hold `{{ expression }}`, at any depth. */
  readonly templates: readonly string[];
  /** Of the templates those that, as text without `{{`, are one expression. */
  readonly eithers?: readonly string[];
  /** Members of `config` that are JSON Schemas. */
  readonly schemas: readonly string[];
  /** Members of `config` that are JavaScript and see `nodes`. */
  readonly sources?: readonly string[];
  /** The branches that edges from this node choose between; null: its edges have no branch. */
  branches(config: Config): readonly string[] | null;
  /** Rules that the schema can't say; pointers are into `config`. Called once the schema holds. */
  check?(config: Config): readonly Problem[];
}

/** The pattern of a string that is one template, where the config would otherwise have a number. */
export const ONE_TEMPLATE = '^\\s*\\{\\{[\\s\\S]*\\}\\}\\s*$';

/** A member of `config` as the template that it means. */
export const templateIn = (kind: Kind, config: Config, member: string): Json | undefined => {
  const value = config[member];
  return typeof value === 'string' && !value.includes('{{') && kind.eithers?.includes(member) ? `{{ ${value} }}` : value;
};

export const noBranches = (): null => null;

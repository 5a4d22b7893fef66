/** A workflow definition as published (design of the public API, section "Definitions"); snake case because it is the stored and public shape. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface RetryPolicy {
  readonly max_attempts: number;
  readonly initial_ms: number;
  readonly factor: number;
  readonly max_ms: number;
  readonly jitter: boolean;
  /** Error codes that end the node at once. */
  readonly non_retryable?: readonly string[];
}

export interface NodeDefinition {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly config: { readonly [key: string]: Json };
  readonly retry?: Partial<RetryPolicy>;
  readonly timeout_ms?: number;
  readonly effect?: 'at_least_once' | 'at_most_once' | 'keyed';
  readonly on_unknown?: 'repeat' | 'ask';
}

export interface EdgeDefinition {
  readonly from: string;
  readonly to: string;
  readonly branch?: string;
}

export interface WorkflowSettings {
  readonly run_timeout_seconds?: number;
  readonly timeout_includes_suspended?: boolean;
  readonly queue_name?: string;
  readonly concurrency_key?: string;
  readonly priority?: number;
  readonly queue_ttl_seconds?: number;
  readonly cancel_grace_seconds?: number;
  readonly output_schema?: Json;
  /** The most that an execution's models may cost; a create's own wins. */
  readonly budget_usd?: number;
  /** A call that doesn't fit the budget: people are asked to raise it (default), or its node fails. */
  readonly on_budget?: 'suspend' | 'fail';
}

export interface WorkflowDefinition {
  readonly key: string;
  readonly name: string;
  readonly description?: string;
  readonly input_schema?: Json;
  readonly nodes: readonly NodeDefinition[];
  readonly edges: readonly EdgeDefinition[];
  readonly positions?: { readonly [node: string]: { readonly x: number; readonly y: number } };
  readonly output?: string;
  readonly settings?: WorkflowSettings;
}

/** The one node that every workflow has without listing it. */
export const START = 'start_of_workflow';

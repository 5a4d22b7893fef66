import { type ExecutionId, type Json, type NodeId, outputsToFetch, type Reuse } from '@runlog/execution';
import type { Sql } from '@runlog/read-model';
import type { Workflow } from '@runlog/workflow';

/** Outputs that an execution takes over from where they came to be. */
export interface FetchedOutputs {
  readonly outputs: readonly (readonly [NodeId, Json])[];
  /** Length of their JSON. */
  readonly bytes: number;
}

export interface Reusing {
  readonly executionId: ExecutionId;
  readonly reuse: readonly Reuse[];
  readonly workflow: Workflow;
}

interface Row {
  readonly execution_id: string;
  readonly node_id: string;
  readonly output: string;
}

/**
 * The outputs of reused nodes that something in the execution may read, for any number of executions in one query of the read model: an
 * ended execution's nodes never change there. An execution of which one can't be found is left out of the answer.
 */
export const fetchReused = async (sql: Sql, reusing: readonly Reusing[]): Promise<Map<ExecutionId, FetchedOutputs>> => {
  const wanted = reusing.map(({ executionId, reuse, workflow }) => ({ executionId, outputs: outputsToFetch(reuse, workflow) }));
  const all = wanted.flatMap(({ outputs }) => outputs);
  const found = new Map<string, string>();
  if (all.length > 0) {
    const rows = await sql.query<Row>(
      `select distinct n.execution_id, n.node_id, n.output::text as output
       from unnest($1::uuid[], $2::text[]) as w(execution_id, node_id)
       join execution_nodes n on n.execution_id = w.execution_id and n.node_id = w.node_id
       where n.status = 'completed'`,
      [all.map(({ source }) => source), all.map(({ node }) => node)],
      'engine_reused_outputs',
    );
    for (const { execution_id, node_id, output } of rows) found.set(`${execution_id}/${node_id}`, output);
  }
  const fetched = new Map<ExecutionId, FetchedOutputs>();
  for (const { executionId, outputs } of wanted) {
    const texts = outputs.flatMap(({ source, node }) => {
      const text = found.get(`${source}/${node}`);
      return text === undefined ? [] : [[node, text] as const];
    });
    if (texts.length < outputs.length) continue;
    fetched.set(executionId, {
      outputs: texts.map(([node, text]) => [node, JSON.parse(text) as Json] as const),
      bytes: texts.reduce((sum, [, text]) => sum + text.length, 0),
    });
  }
  return fetched;
};

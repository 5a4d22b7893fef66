import { type BodyReference, type ExecutionId, type Json, type NodeId, outputsToFetch, type Reuse } from '@runlog/execution';
import type { Sql } from '@runlog/read-model';
import type { Workflow } from '@runlog/workflow';

/** Outputs that an execution takes over from where they came to be. */
export interface FetchedOutputs {
  readonly outputs: readonly (readonly [NodeId, Json])[];
  /** Those that are stored outside of events. */
  readonly bodies: readonly (readonly [NodeId, BodyReference])[];
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
  readonly output_ref: string | null;
}

/**
 * The outputs of reused nodes that something in the execution may read, for any number of executions in one query of the read model: an
 * ended execution's nodes never change there. An execution of which one can't be found is left out of the answer.
 */
export const fetchReused = async (sql: Sql, reusing: readonly Reusing[]): Promise<Map<ExecutionId, FetchedOutputs>> => {
  const wanted = reusing.map(({ executionId, reuse, workflow }) => ({ executionId, outputs: outputsToFetch(reuse, workflow) }));
  const all = wanted.flatMap(({ outputs }) => outputs);
  const found = new Map<string, Row>();
  if (all.length > 0) {
    const rows = await sql.query<Row>(
      `select distinct n.execution_id, n.node_id, n.output::text as output, (n.state -> 'output_ref')::text as output_ref
       from unnest($1::uuid[], $2::text[]) as w(execution_id, node_id)
       join execution_nodes n on n.execution_id = w.execution_id and n.node_id = w.node_id
       where n.status = 'completed'`,
      [all.map(({ source }) => source), all.map(({ node }) => node)],
      'engine_reused_outputs',
    );
    for (const row of rows) found.set(`${row.execution_id}/${row.node_id}`, row);
  }
  const fetched = new Map<ExecutionId, FetchedOutputs>();
  for (const { executionId, outputs } of wanted) {
    const rows = outputs.flatMap(({ source, node }) => {
      const row = found.get(`${source}/${node}`);
      return row ? [[node, row] as const] : [];
    });
    if (rows.length < outputs.length) continue;
    const inline = rows.filter(([, { output_ref }]) => output_ref === null);
    fetched.set(executionId, {
      outputs: inline.map(([node, { output }]) => [node, JSON.parse(output) as Json] as const),
      bodies: rows.flatMap(([node, { output_ref }]) => (output_ref === null ? [] : [[node, JSON.parse(output_ref) as BodyReference] as const])),
      bytes: inline.reduce((sum, [, { output }]) => sum + output.length, 0),
    });
  }
  return fetched;
};

import { breathe } from '@runlog/event-log';
import { type Execution, type ExecutionId, fromSnapshot, isTerminal, type Json, keptBody, type NodeId, toSnapshot } from '@runlog/execution';
import { binaryArray, type Database, type ElementType, type Sql } from '@runlog/read-model';
import { type Checkpoint, saveCheckpoint } from './checkpoint.js';
import type { Live } from './live.js';

/** A stored execution as it comes back. */
export interface StoredExecution {
  readonly execution: Execution;
  readonly tip: string;
}

/** Everything that one flush writes, cut off from memory: what happens to the executions afterwards does not reach it. */
export interface Flush {
  readonly lives: readonly Live[];
  readonly versions: readonly number[];
  /** Per execution, the nodes whose outputs are written. */
  readonly fresh: readonly (readonly NodeId[])[];
  readonly states: readonly StateRow[];
  readonly outputs: readonly OutputRow[];
  readonly ended: readonly ExecutionId[];
}

type StateRow = readonly [id: ExecutionId, version: number, tip: string, status: string, terminal: boolean, snapshot: string];
type OutputRow = readonly [id: ExecutionId, node: NodeId, output: string];

const stateTypes: readonly ElementType[] = ['uuid', 'integer', 'text', 'text', 'boolean', 'text'];
const outputTypes: readonly ElementType[] = ['uuid', 'text', 'text'];

const rowsPerStatement = 2_000;

/** Executions between their commands, in `engine_state`; an output is written once, when the execution outlives a flush. */
export class StateStore {
  constructor(
    private readonly database: Database,
    private readonly partition: number,
    private readonly topics: { readonly events: string; readonly commands: string },
  ) {}

  async load(ids: readonly ExecutionId[]): Promise<StoredExecution[]> {
    const states = await this.database.query<{ execution_id: string; tip: string; terminal: boolean; snapshot: string }>(
      'select execution_id, tip, terminal, snapshot from engine_state where execution_id = any($1::uuid[])',
      [ids],
      'engine_states',
    );
    const alive = states.flatMap((row) => (row.terminal ? [] : [row.execution_id]));
    const outputs = alive.length === 0 ? [] : await this.#outputs(alive);
    const byExecution = Map.groupBy(outputs, (row) => row.execution_id);
    return states.map(({ execution_id, tip, snapshot }) => {
      const own = byExecution.get(execution_id) ?? [];
      const execution = fromSnapshot(
        JSON.parse(snapshot) as Json,
        own.map(({ node_id, output }) => [node_id, JSON.parse(output) as Json] as const),
      );
      return { execution, tip };
    });
  }

  /** Turns executions into rows. They must be as the log has them, and nobody may change them until this resolves. */
  async prepare(lives: readonly Live[]): Promise<Flush> {
    const states: StateRow[] = [];
    const outputs: OutputRow[] = [];
    const ended: ExecutionId[] = [];
    const fresh: NodeId[][] = [];
    for (const live of lives) {
      const { execution } = live;
      const terminal = isTerminal(execution.status);
      states.push([execution.id, execution.version, live.tip, execution.status, terminal, JSON.stringify(toSnapshot(execution))]);
      if (!terminal) outputs.push(...kept(live));
      else if (live.hasStoredOutputs) ended.push(execution.id);
      fresh.push(live.freshOutputs);
      live.freshOutputs = [];
      await breathe();
    }
    return { lives, versions: lives.map((live) => live.execution.version), fresh, states, outputs, ended };
  }

  /** One transaction. False: a later claim has written here, nothing was written. */
  write(flush: Flush, writtenUnder: number, point: Checkpoint): Promise<boolean> {
    return this.database.transaction(async (sql) => {
      if (!(await saveCheckpoint(sql, this.partition, writtenUnder, this.topics, point))) return false;
      for (const rows of chunks(flush.states)) await this.#putStates(sql, rows);
      for (const rows of chunks(flush.outputs)) await putOutputs(sql, rows);
      if (flush.ended.length > 0) await sql.query('delete from engine_outputs where execution_id = any($1::uuid[])', [flush.ended], 'engine_outputs_drop');
      return true;
    });
  }

  #outputs(ids: readonly string[]): Promise<{ execution_id: string; node_id: string; output: string }[]> {
    return this.database.query('select execution_id, node_id, output from engine_outputs where execution_id = any($1::uuid[])', [ids], 'engine_outputs');
  }

  #putStates(sql: Sql, rows: readonly StateRow[]): Promise<unknown> {
    return sql.query(
      `insert into engine_state (partition, execution_id, version, tip, status, terminal, snapshot)
       select $1, * from unnest($2::uuid[], $3::integer[], $4::text[], $5::text[], $6::boolean[], $7::text[])
       on conflict (execution_id) do update set
         version = excluded.version, tip = excluded.tip, status = excluded.status, terminal = excluded.terminal, snapshot = excluded.snapshot`,
      [this.partition, ...columns(rows, stateTypes)],
      'engine_states_put',
    );
  }
}

/** Receipts of an agent that has ended meanwhile are needed no more. */
const kept = ({ execution, freshOutputs }: Live): OutputRow[] =>
  freshOutputs.flatMap((name): OutputRow[] => {
    const body = keptBody(execution, name);
    return body === undefined ? [] : [[execution.id, name, JSON.stringify(body)]];
  });

const putOutputs = (sql: Sql, rows: readonly OutputRow[]): Promise<unknown> =>
  sql.query(
    `insert into engine_outputs (execution_id, node_id, output) select * from unnest($1::uuid[], $2::text[], $3::text[])
     on conflict (execution_id, node_id) do update set output = excluded.output`,
    columns(rows, outputTypes),
    'engine_outputs_put',
  );

const columns = (rows: readonly (readonly unknown[])[], types: readonly ElementType[]): Buffer[] =>
  types.map((type, column) =>
    binaryArray(
      type,
      rows.map((row) => row[column]),
    ),
  );

const chunks = function* <Row>(rows: readonly Row[]): Generator<readonly Row[]> {
  for (let from = 0; from < rows.length; from += rowsPerStatement) yield rows.slice(from, from + rowsPerStatement);
};

import { arrayOf } from './binary-arrays.js';
import { found, type Row, type Statement, type StatementByText } from './tables.js';

/** The engine's statements, by name. */
export const engineStatements: Readonly<Record<string, Statement>> = {
  engine_states: ({ engine_state }, [ids]) => found(engine_state, ids as string[]),
  engine_outputs: ({ engine_outputs }, [ids]) =>
    (ids as string[]).flatMap((id) => [...(engine_outputs.get(id) ?? [])].map(([node_id, output]) => ({ execution_id: id, node_id, output }))),
  engine_checkpoint: ({ engine_partitions }, values, text) => {
    const [partition, writtenUnder, snapshot_version, events_topic, next_event, claim, previous, commands_topic, next_command, continuing, newest] = values;
    const held = engine_partitions.get(partition as number);
    if (held && held.written_under > (writtenUnder as number) && text.includes('where held.written_under <= excluded.written_under')) return [];
    const row = { partition, written_under: writtenUnder as number, snapshot_version, events_topic, next_event, claim, previous, commands_topic, next_command, continuing, newest };
    engine_partitions.set(partition as number, row);
    return [{}];
  },
  engine_states_put: ({ engine_state }, [partition, ...columns]) => {
    const [ids, versions, tips, statuses, terminals, snapshots] = columns.map(arrayOf);
    (ids as string[]).forEach((execution_id, at) => {
      const of = (column: unknown): unknown => (column as unknown[])[at];
      engine_state.set(execution_id, { partition, execution_id, version: of(versions), tip: of(tips), status: of(statuses), terminal: of(terminals), snapshot: of(snapshots) });
    });
    return [];
  },
  engine_outputs_put: ({ engine_outputs }, columns) => {
    const [ids, nodes, outputs] = columns.map(arrayOf);
    (ids as string[]).forEach((id, at) => {
      const own = engine_outputs.get(id) ?? new Map<string, string>();
      engine_outputs.set(id, own.set((nodes as string[])[at] as string, (outputs as string[])[at] as string));
    });
    return [];
  },
  engine_outputs_drop: ({ engine_outputs }, [ids]) => {
    for (const id of ids as string[]) engine_outputs.delete(id);
    return [];
  },
};

const json = (value: unknown): unknown => (typeof value === 'string' ? JSON.parse(value) : (value ?? null));

const nodeRow = (row: Row | undefined, execution_id: unknown, version: unknown): Row => {
  const state = json(row?.state) as Row | null;
  return {
    execution_id,
    version,
    node_id: row?.node_id ?? null,
    status: row?.status ?? null,
    branch: state?.branch ?? null,
    effect: state?.effect ?? null,
    output: row?.output == null ? null : typeof row.output === 'string' ? row.output : JSON.stringify(row.output),
    output_ref: state?.output_ref ?? null,
    reused_from: state?.reused_from ?? null,
  };
};

/** The engine's questions to the read model, by name. */
export const takeOverStatements: Readonly<Record<string, Statement>> = {
  engine_reused_outputs: ({ execution_nodes }, [ids, nodes]) =>
    (ids as string[]).flatMap((id, at) => {
      const row = execution_nodes.get(id)?.get((nodes as string[])[at] as string);
      if (row?.status !== 'completed') return [];
      const { node_id, output, output_ref } = nodeRow(row, id, 0);
      return [{ execution_id: id, node_id, output: output ?? 'null', output_ref: output_ref === null ? null : JSON.stringify(output_ref) }];
    }),
  'effects-of': ({ executions, execution_nodes }, [id, nodes]) => {
    const execution = executions.get(id as string);
    if (!execution) return [];
    const is_replay = (json(execution.settled) as { replay_of: string | null }).replay_of !== null;
    const own = (nodes as string[]).flatMap((node): Row[] => [execution_nodes.get(id as string)?.get(node) ?? []].flat());
    return (own.length > 0 ? own : [undefined]).map((row: Row | undefined) => ({ ...nodeRow(row, id, execution.version), execution_status: execution.status, is_replay }));
  },
  'effects-of-reused': ({ execution_events, execution_nodes }, [id, wanted]) =>
    [...(execution_events.get(id as string)?.values() ?? [])].flatMap(({ type, value }) => {
      if (type !== 'NodeReused') return [];
      const { source_execution_id, source_version, nodes } = json(value) as { source_execution_id: string; source_version: number; nodes: string[] };
      return nodes.flatMap((node) => {
        const row = (wanted as string[]).includes(node) ? execution_nodes.get(source_execution_id)?.get(node) : undefined;
        return row ? [nodeRow(row, source_execution_id, source_version)] : [];
      });
    }),
};

/** Those without a name, by how they begin. */
export const engineTexts: readonly StatementByText[] = [
  [/^select (\*|snapshot_version) from engine_partitions where partition = \$1$/, ({ engine_partitions }, [partition]) => found(engine_partitions, [partition as number])],
];

import { found, type Statement, type StatementByText } from './tables.js';

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
  engine_states_put: ({ engine_state }, [partition, ids, versions, tips, statuses, terminals, snapshots]) => {
    (ids as string[]).forEach((execution_id, at) => {
      const of = (column: unknown): unknown => (column as unknown[])[at];
      engine_state.set(execution_id, { partition, execution_id, version: of(versions), tip: of(tips), status: of(statuses), terminal: of(terminals), snapshot: of(snapshots) });
    });
    return [];
  },
  engine_outputs_put: ({ engine_outputs }, [ids, nodes, outputs]) => {
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

/** Those without a name, by how they begin. */
export const engineTexts: readonly StatementByText[] = [
  [/^select (\*|snapshot_version) from engine_partitions where partition = \$1$/, ({ engine_partitions }, [partition]) => found(engine_partitions, [partition as number])],
];

import type { Fact } from './history.js';
import type { Effect } from './runner.js';
import { workspaceId } from './workflows.js';
import type { World } from './world.js';

type Referring = { readonly [member: string]: { readonly digest: string; readonly bytes: number } | undefined };

/** The stored bodies that accepted events refer to. */
const referencesOf = ({ data }: Fact): { readonly digest: string; readonly bytes: number }[] => {
  const members = data as Referring;
  return [members.input_ref, members.output_ref, members.answer_ref, members.receipt_ref].flatMap((reference) => reference ?? []);
};

/** What a completed node gave, wherever it is kept. */
export const outputIn = ({ shelf }: World, fact: Fact): Partial<Effect['output']> => {
  const [reference] = referencesOf(fact);
  const stored = reference && shelf.get(workspaceId, reference.digest);
  return (stored ? JSON.parse(stored.toString()) : (fact.data.output ?? {})) as Partial<Effect['output']>;
};

/** Commands that the stored progress is not past (the last ones were refused): the next owner decides them again, and what they name is kept for it. */
const isNamedAgain = ({ broker, tables }: World, digest: string): boolean =>
  [...tables.engine_partitions].some(([partition, row]) =>
    broker
      .records('execution-commands', partition)
      .slice(row.next_command as number)
      .some(({ value }) => value.includes(digest)),
  );

/** A1: whatever an event refers to is stored; A2: nothing else is, once it has been collected; A3: nobody ran without what it reads. */
export const bodies = (world: World): string[] => {
  const { history, shelf, tables } = world;
  const found: string[] = [];
  const wanted = new Set<string>();
  for (const fact of history.facts)
    for (const { digest, bytes } of referencesOf(fact)) {
      wanted.add(digest);
      if (shelf.get(workspaceId, digest)?.length !== bytes) found.push(`A1: ${fact.type} of '${fact.executionId}' refers to a body that is not stored`);
      if (!tables.body_references.has(`${workspaceId} ${digest} ${fact.executionId}`)) found.push(`I5: no row says that '${fact.executionId}' refers to ${digest}`);
    }
  for (const { digest } of shelf.all) if (!wanted.has(digest) && !isNamedAgain(world, digest)) found.push(`A2: ${digest} is stored and no event refers to it`);
  for (const { type, data, executionId } of history.facts) {
    const code = (data as { error?: { code?: string } }).error?.code ?? '';
    if (type === 'NodeFailed' && /^(artifact|expression|input)_/.test(code)) found.push(`A3: '${String(data.node_id)}' of '${executionId}' failed with ${code}`);
    if (type === 'NodeCompleted' && data.node_id === 'size' && data.output !== heavyChars)
      found.push(`A3: '${executionId}' saw ${String(data.output)} of ${heavyChars} characters`);
  }
  return found;
};

/** Characters that nodes and inputs carry which are too large for an event. */
export const heavyChars = 70_000;

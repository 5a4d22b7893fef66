import { START } from '../definition.js';
import { nearest } from '../nearest.js';
import { type Problem, pointerTo } from '../problem.js';
import { findCycles } from './cycles.js';
import { type Draft, type DraftEdge, membersOf } from './draft.js';

/** Of this many problems the nearest name is looked for: it takes a look at every name. */
export const MAX_GUESSES = 50;

/** Edges, branches, cycles, reachability, positions: what depends on the graph as a whole. */
export function graphProblems(draft: Draft): Problem[] {
  const { nodes, doubles, edges } = draft;
  const problems: Problem[] = [];
  const start = nodes.get(START);
  if (start) problems.push({ pointer: `/nodes/${start.index}/id`, detail: `Expected an id other than '${START}', which every workflow has without listing it` });
  for (const { index, id } of doubles)
    problems.push({ pointer: `/nodes/${index}/id`, detail: `Expected an id of its own, but '${id}' is the id of node ${nodes.get(id)?.index} too` });
  const seen = new Set<string>();
  for (const edge of edges) {
    const guess = problems.length < MAX_GUESSES;
    problems.push(...endProblems(draft, edge, guess), ...branchProblems(draft, edge), ...repeatProblems(edge, seen));
  }
  const sound = edges.filter(({ from, to }) => from !== to && (from === START || nodes.has(from)) && nodes.has(to));
  for (const cycle of findCycles([...nodes.keys()], sound)) {
    const closing = sound.find((edge) => edge.from === cycle.at(-1) && edge.to === cycle[0]);
    problems.push({ pointer: `/edges/${closing?.index}`, detail: `Expected a graph without cycles, but ${shorten([...cycle, ...cycle.slice(0, 1)])} is one` });
  }
  problems.push(...unreachable(draft, sound));
  for (const id of Object.keys(membersOf(draft.body.positions)))
    if (id !== START && !nodes.has(id))
      problems.push(
        withSuggestion(
          { pointer: pointerTo('/positions', id), detail: `Expected the id of a node, but there is no node '${short(id)}'` },
          id,
          problems.length < MAX_GUESSES ? nodes.keys() : [],
        ),
      );
  return problems;
}

function endProblems({ nodes }: Draft, { index, from, to }: DraftEdge, guess: boolean): Problem[] {
  const problems: Problem[] = [];
  const unknown = (end: 'from' | 'to', id: string): void => {
    problems.push(
      withSuggestion(
        { pointer: `/edges/${index}/${end}`, detail: `Expected the id of a node, but there is no node '${short(id)}'` },
        id,
        guess ? [...(end === 'from' ? [START] : []), ...nodes.keys()] : [],
      ),
    );
  };
  if (from !== START && !nodes.has(from)) unknown('from', from);
  if (to === START) problems.push({ pointer: `/edges/${index}/to`, detail: `Expected a node other than '${START}', which comes before every other` });
  else if (!nodes.has(to)) unknown('to', to);
  if (from === to && nodes.has(from)) problems.push({ pointer: `/edges/${index}`, detail: `Expected an edge between two nodes, but this one leads from '${from}' to itself` });
  return problems;
}

function branchProblems({ nodes }: Draft, { index, from, branch }: DraftEdge): Problem[] {
  const node = from === START ? undefined : nodes.get(from);
  if (node === undefined && from !== START) return [];
  if (node !== undefined && node.kind === undefined) return [];
  const branches = node?.kind?.branches(node.config) ?? null;
  const pointer = `/edges/${index}/branch`;
  if (branches === null) {
    if (branch === undefined) return [];
    const why =
      node?.kind?.type === 'approval' ? "an approval has branches only with on_reject 'branch'" : `${node ? `a node of type '${node.kind?.type}'` : 'the start'} has none`;
    return [{ pointer, detail: `Expected no branch, because ${why}` }];
  }
  const names = branches
    .slice(0, 30)
    .map((name) => `'${name}'`)
    .join(', ');
  if (branch === undefined) return [{ pointer, detail: `Expected a branch of '${from}': one of ${names}` }];
  if (typeof branch !== 'string' || branches.includes(branch)) return [];
  return [withSuggestion({ pointer, detail: `Expected a branch of '${from}': one of ${names}, but got '${short(branch)}'` }, branch, branches)];
}

function repeatProblems({ index, from, to, branch }: DraftEdge, seen: Set<string>): Problem[] {
  const identity = JSON.stringify([from, to, branch ?? null]);
  if (seen.has(identity)) return [{ pointer: `/edges/${index}`, detail: `Expected each edge once, but the one from '${short(from)}' to '${short(to)}' is there already` }];
  seen.add(identity);
  return [];
}

function unreachable({ nodes }: Draft, edges: readonly DraftEdge[]): Problem[] {
  const next = new Map<string, string[]>();
  for (const { from, to } of edges) {
    const known = next.get(from);
    if (known) known.push(to);
    else next.set(from, [to]);
  }
  const reached = new Set([START]);
  for (const id of reached) for (const to of next.get(id) ?? []) reached.add(to);
  const entered = new Set(edges.map(({ to }) => to));
  return [...nodes.values()]
    .filter(({ id }) => !reached.has(id))
    .map(({ index, id }) => {
      const problem = { pointer: `/nodes/${index}`, detail: `Expected a way from '${START}' to every node, but none leads to '${short(id)}'` };
      return entered.has(id) ? problem : { ...problem, suggestion: `an edge {"from": "${START}", "to": "${short(id)}"}` };
    });
}

function withSuggestion(problem: Problem, name: string, candidates: Iterable<string>): Problem {
  const suggestion = nearest(name, candidates);
  return suggestion === undefined ? problem : { ...problem, suggestion };
}

export const short = (text: string): string => (text.length > 80 ? `${text.slice(0, 77)}...` : text);

const shorten = (ids: readonly string[]): string => (ids.length > 20 ? [...ids.slice(0, 18), '...', ids.at(-1)] : ids).join(' -> ');

// I6: what the world saw against what the log says, by class of effect. Each gives a list of violations, empty when it holds.

const nameOf = (execution, node) => `${execution}/${node}`;
const ofClass = (facts, ...classes) => facts.hits.filter(({ execution }) => classes.includes(facts.classOf.get(execution)));
const byNode = (hits) => Map.groupBy(hits, ({ execution, node }) => nameOf(execution, node));
const isPersons = (list, { version }) => list.some(({ type, data, version: v }) => type === 'ResponseReceived' && data.decision === 'done' && v < version && v > version - 4);

/** Whoever completed had an effect, unless a person said so or an earlier execution had it: at least one hit per completed node. */
const atLeastOnce = (facts) => {
  const seen = byNode(facts.hits);
  return [...Map.groupBy(facts.events, ({ execution }) => execution)].flatMap(([execution, list]) =>
    list
      .filter((event) => event.type === 'NodeCompleted' && !event.data.returned_from && !isPersons(list, event))
      .flatMap(({ data }) => (seen.has(nameOf(execution, data.node_id)) ? [] : [`${nameOf(execution, data.node_id)} completed, and the world saw nothing`])),
  );
};

/** No node of an at-most-once class is seen twice in one execution, nor again where an earlier execution has its receipt. */
const atMostOnce = (facts) => [
  ...[...byNode(ofClass(facts, 'once'))].filter(([, some]) => some.length > 1).map(([name, some]) => `${name} may be had once, and the world saw it ${some.length} times`),
  ...facts.events
    .filter(({ type, data }) => type === 'NodeCompleted' && data.returned_from)
    .flatMap(({ execution, data }) =>
      facts.hits.some((hit) => hit.execution === execution && hit.node === data.node_id) ? [`${nameOf(execution, data.node_id)} was returned, and the world saw it`] : [],
    ),
];

/** One key per node, whatever its attempts; and no two nodes share one but where a retry goes on with an effect. */
const keyed = (facts) => {
  const seen = byNode(ofClass(facts, 'keyed'));
  const keys = new Set([...seen.values()].flatMap((some) => some.map(({ key }) => key)));
  const goneOn = facts.events.filter(({ type, data, execution }) => type === 'EffectIntended' && data.from && facts.classOf.get(execution) === 'keyed').length;
  return [
    ...[...seen].filter(([, some]) => new Set(some.map(({ key }) => key)).size !== 1).map(([name, some]) => `${name} was seen under ${some.map(({ key }) => key)}`),
    ...(seen.size - keys.size > goneOn ? [`${seen.size} keyed nodes were seen under ${keys.size} keys, and ${goneOn} went on under an earlier one`] : []),
  ];
};

/** Where people are asked, nothing is repeated but by their word. */
const asked = (facts) => {
  const repeats = new Map();
  for (const { execution, type, data } of facts.events)
    if (type === 'ResponseReceived' && data.decision === 'repeat') repeats.set(nameOf(execution, data.node_id), (repeats.get(nameOf(execution, data.node_id)) ?? 0) + 1);
  return [...byNode(ofClass(facts, 'ask', 'once'))]
    .filter(([name, some]) => some.length > 1 + (repeats.get(name) ?? 0))
    .map(([name, some]) => `${name} was seen ${some.length} times, with ${repeats.get(name) ?? 0} words to repeat it`);
};

/** A declared effect is intended before the world sees it, and recorded before its node completes. */
const recordedInOrder = (facts) => {
  const intended = new Map();
  for (const { execution, type, data, appendedAt } of facts.events)
    if (type === 'EffectIntended' && !data.from && !intended.has(nameOf(execution, data.node_id))) intended.set(nameOf(execution, data.node_id), appendedAt);
  const early = ofClass(facts, 'once', 'keyed', 'ask', 'declared').flatMap(({ execution, node, at }) => {
    const since = intended.get(nameOf(execution, node));
    return since !== undefined && since <= at ? [] : [`${nameOf(execution, node)} was seen at ${at}, and intended ${since ?? 'never'}`];
  });
  const unrecorded = [...Map.groupBy(facts.events, ({ execution }) => execution)].flatMap(([execution, list]) => {
    if (facts.classOf.get(execution) === 'plain') return list.filter(({ type }) => type.startsWith('Effect')).map(({ type }) => `${execution} declares nothing, and has ${type}`);
    return list.flatMap(({ type, data, version }) => {
      if (type !== 'NodeCompleted' || data.returned_from || list.some((other) => other.type === 'EffectRecorded' && other.data.node_id === data.node_id && other.version < version))
        return [];
      return [`${nameOf(execution, data.node_id)} completed without a receipt`];
    });
  });
  return [...early, ...unrecorded];
};

/** In a chain the world sees no node before it has seen the one before, whether that was begun ahead or not. */
const inTurn = (facts) => {
  const first = new Map();
  for (const { execution, node, at } of facts.hits) if (!first.has(nameOf(execution, node))) first.set(nameOf(execution, node), at);
  return ofClass(facts, 'plain').flatMap(({ execution, node, at }) => {
    if (node === 'a') return [];
    const before = first.get(nameOf(execution, node === 'b' ? 'a' : 'b'));
    return before !== undefined && before <= at ? [] : [`${nameOf(execution, node)} was seen at ${at}, the node before it ${before ?? 'never'}`];
  });
};

export const effects = { atLeastOnce, atMostOnce, keyed, asked, recordedInOrder, inTurn };

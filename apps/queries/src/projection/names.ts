import type { Catalog, NodeNames, PinnedVersion } from '@runlog/read-model';
import type { NamesOf } from './partition-projection.js';

const nameless: NodeNames = { nodes: new Map() };

/** Node names by version, made once per published version; a version that the catalog does not know has none. */
export const namesFrom = (catalog: Catalog): NamesOf => {
  const made = new WeakMap<PinnedVersion, NodeNames>();
  return async (versionId) => {
    const version = await catalog.workflowVersion(versionId);
    if (!version) return nameless;
    let names = made.get(version);
    if (!names) made.set(version, (names = namesIn(version)));
    return names;
  };
};

const namesIn = ({ definition, agents }: PinnedVersion): NodeNames => ({
  nodes: new Map(definition.nodes.map(({ id, type, name }) => [id, { type, definition: { name }, agent: Object.hasOwn(agents, id) ? (agents[id] ?? null) : null }])),
});

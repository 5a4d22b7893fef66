// `node tests/conformance/events/record-corpus.mjs <release>`: keeps a few events of every type as this release writes them, byte for byte, and the
// schemas it publishes. Run once per release; what is recorded is never changed or removed: later releases must read all of it.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { eventSchemas } from '../../../deploy/kafka/describe-events.mjs';
import { readSources } from '../../simulation/sources.mjs';

const release = process.argv[2];
if (!/^\d+\.\d+\.\d+$/.test(release ?? '')) throw new Error(`Expected a release such as 0.1.0, but got '${release}'`);
const folder = fileURLToPath(new URL(`./corpus/${release}`, import.meta.url));
if (existsSync(folder)) throw new Error(`Expected to record ${release} once, but ${folder} is there: a recorded release never changes`);
readSources(undefined);
const { World } = await import('../../simulation/world.ts');

const PER_TYPE = 4;
/** What no simulated system comes to: people there never end an execution by a rejection, and nothing there throws. */
const rare = {
  ExecutionRejected: { error: "Rejected at 'ask' by user:key_rl_0123: too much", gate_id: 'ask.1', error_node_id: 'ask', by: 'user:key_rl_0123' },
  ExecutionFaulted: { command_type: 'CompleteNode', error: 'out of range' },
};
const { types, definitions } = eventSchemas();
const missing = new Set(Object.keys(types));
const kept = new Map();
for (let seed = 1; seed <= 30 || (seed <= 200 && [...missing].some((type) => !(type in rare))); seed++) {
  const world = new World(seed);
  await world.run();
  for (let partition = 0; partition < 4; partition++)
    for (const { key, headers, value } of world.broker.records('execution-events', partition)) {
      const type = headers.ce_type;
      if (!types[type]) continue;
      const data = value.toString('utf8');
      // One example of each set of members.
      const shape = createHash('sha256')
        .update(type)
        .update(JSON.stringify(Object.entries(JSON.parse(data || '{}')).map(([name, member]) => [name, member === null])))
        .digest('hex');
      if (kept.has(shape) || [...kept.values()].filter((one) => one.headers.ce_type === type).length >= PER_TYPE) continue;
      kept.set(shape, { key, headers, value: data });
      missing.delete(type);
    }
}
const [example] = kept.values();
for (const [type, data] of Object.entries(rare))
  if (missing.delete(type)) kept.set(type, { key: example.key, headers: { ...example.headers, ce_type: type }, value: JSON.stringify(data) });
if (missing.size > 0) throw new Error(`Expected an event of every type, but found none of ${[...missing].join(', ')}`);
mkdirSync(folder, { recursive: true });
const lines = [...kept.values()].sort((a, b) => a.headers.ce_type.localeCompare(b.headers.ce_type)).map((one) => JSON.stringify(one));
writeFileSync(`${folder}/events.jsonl`, `${lines.join('\n')}\n`);
writeFileSync(`${folder}/schemas.json`, `${JSON.stringify({ types, definitions }, null, 1)}\n`);
process.stdout.write(`Recorded ${lines.length} events of ${Object.keys(types).length} types.\n`);
process.exit(0);

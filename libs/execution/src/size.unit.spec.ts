import { describe, expect, it } from '@jest/globals';
import { edge, node, Scenario } from './testing/scenario.js';

/** A fan of `width` code nodes that join in one. */
const fan = (width: number) =>
  Scenario.of({
    nodes: [...Array.from({ length: width }, (_, i) => node(`n${i}`, 'code')), node('join', 'code')],
    edges: Array.from({ length: width }, (_, i) => [edge('start_of_workflow', `n${i}`), edge(`n${i}`, 'join')]).flat(),
  }).created();

/** Work done per event, counted as reads of the state's collections: a figure that does not depend on the machine. */
const touched = async (width: number): Promise<number> => {
  const scenario = await fan(width);
  let reads = 0;
  const { execution } = scenario;
  if (!execution) throw new Error('there is no execution');
  for (const name of ['nodes', 'active', 'ready', 'unreached', 'outputs'] as const) {
    const collection = execution[name] as unknown as Record<string | symbol, unknown>;
    for (const method of ['get', 'set', 'has', 'add', 'delete'] as const) {
      const original = collection[method] as ((...args: unknown[]) => unknown) | undefined;
      if (original) collection[method] = (...args: unknown[]) => (reads++, original.apply(collection, args));
    }
    const iterate = (collection as unknown as Iterable<unknown>)[Symbol.iterator].bind(collection);
    collection[Symbol.iterator] = function* () {
      for (const item of { [Symbol.iterator]: iterate }) {
        reads++;
        yield item;
      }
    };
  }
  for (let i = 0; i < 50; i++) {
    await scenario.start(`n${i}`);
    await scenario.complete(`n${i}`, i);
  }
  return reads;
};

describe('an event', () => {
  it('touches no more of the state at 10,000 nodes than at 100', async () => {
    const [small, large] = [await touched(100), await touched(10_000)];
    expect(small).toBeGreaterThan(0);
    expect(large).toBeLessThanOrEqual(2 * small);
  });
});

import { describe, expect, it } from '@jest/globals';
import { declareTopics, PartitionCountMismatch, standingCounts } from './topics.js';

const asked = { executions: 1, tasks: 2, instances: 1, one: 1 };
const made = { executions: 4, tasks: 8, instances: 4, one: 1 };
const topicsOf = (counts: typeof asked) => new Map<string, number>(declareTopics(counts).map(({ topic, partitions }) => [topic, partitions]));

describe('standingCounts', () => {
  it('are those that were asked for where there is no topic yet', () => expect(standingCounts(asked, new Map(), false)).toEqual(asked));
  it('are those of the topics that there are, also for one that is missing', () => {
    const existing = topicsOf(made);
    existing.delete('execution-frames');
    expect(standingCounts(asked, existing, true)).toEqual(made);
  });
  it('refuse another number than the one that somebody chose, but for what no setting names', () => {
    expect(() => standingCounts(asked, topicsOf(made), false)).toThrow("Expected topic 'execution-commands' to have 1 partitions, but it has 4");
    expect(standingCounts(asked, topicsOf({ ...asked, instances: 4 }), false)).toEqual({ ...asked, instances: 4 });
  });
  it('refuse topics that belong together and differ', () => {
    const existing = topicsOf(made).set('execution-events', 8);
    expect(() => standingCounts(asked, existing, true)).toThrow(PartitionCountMismatch);
    expect(() => standingCounts(made, existing, true)).toThrow("Expected topic 'execution-events' to have 4 partitions as the others of its kind have, but it has 8");
  });
});

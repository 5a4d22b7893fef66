import { describe, expect, it } from '@jest/globals';
import { decodeAssignment, decodeMember, encodeAssignment, encodeMetadata, share } from './assignment.js';

const member = (memberId: string, ...owned: number[]) => ({ memberId, owned });

describe('share', () => {
  it('gives everything to a member that is alone', () => {
    expect(share([member('a')], 4)).toEqual(new Map([['a', [0, 1, 2, 3]]]));
  });

  it('moves no more than it must when a member arrives', () => {
    expect(share([member('a', 0, 1, 2, 3), member('b')], 4)).toEqual(
      new Map([
        ['a', [0, 1]],
        ['b', [2, 3]],
      ]),
    );
  });

  it('leaves what is held where it is when a member has gone', () => {
    expect(share([member('a', 0, 1), member('c', 4, 5)], 6)).toEqual(
      new Map([
        ['a', [0, 1, 2]],
        ['c', [3, 4, 5]],
      ]),
    );
  });

  it('gives each partition to exactly one member, even if two say that they have it', () => {
    const shares = share([member('a', 0, 1, 2), member('b', 1, 2), member('c', 9, -1)], 8);
    expect([...shares.values()].flat().sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect([...shares.values()].map((some) => some.length).sort()).toEqual([2, 3, 3]);
  });

  it('leaves members without a share when there are more members than partitions', () => {
    expect([...share([member('a'), member('b'), member('c')], 1).values()].filter((some) => some.length === 0)).toHaveLength(2);
  });
});

describe('what members tell each other', () => {
  it('comes back as it was written', () => {
    expect(decodeMember('a', encodeMetadata(['execution-commands'], [3, 1]))).toEqual(member('a', 3, 1));
    const assignment = encodeAssignment(['execution-commands', 'execution-events'], [0, 2]);
    expect(decodeAssignment(assignment, 'execution-commands')).toEqual([0, 2]);
    expect(decodeAssignment(assignment, 'execution-events')).toEqual([0, 2]);
  });

  it('counts as nothing owned when it cannot be read', () => {
    expect(decodeMember('a', Buffer.from('nonsense'))).toEqual(member('a'));
  });
});

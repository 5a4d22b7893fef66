import kafkajs from 'kafkajs';

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;

/** A member of a group and the partitions that it says it already has. */
export interface Member {
  readonly memberId: string;
  readonly owned: readonly number[];
}

/**
 * Who gets which partition numbers: as even as can be, and everybody keeps what it has as far as that allows. A member gets a number
 * in every topic of the group, so commands p and events p are never apart.
 */
export const share = (members: readonly Member[], partitions: number): Map<string, number[]> => {
  const ranked = [...members].sort((a, b) => b.owned.length - a.owned.length || (a.memberId < b.memberId ? -1 : 1));
  const [each, extra] = [Math.floor(partitions / ranked.length), partitions % ranked.length];
  const quota = (rank: number) => each + (rank < extra ? 1 : 0);
  const free = new Set(Array.from({ length: partitions }, (_, partition) => partition));
  const shares = ranked.map(({ owned }, rank) => {
    const kept = [...new Set(owned)].filter((partition) => free.has(partition)).slice(0, quota(rank));
    for (const partition of kept) free.delete(partition);
    return kept;
  });
  const rest = [...free];
  shares.forEach((kept, rank) => kept.push(...rest.splice(0, quota(rank) - kept.length)));
  return new Map(ranked.map(({ memberId }, rank) => [memberId, (shares[rank] as number[]).sort((a, b) => a - b)]));
};

export const protocolName = 'runlog-sticky-1';

export const encodeMetadata = (topics: string[], owned: readonly number[]): Buffer => MemberMetadata.encode({ version: 1, topics, userData: Buffer.from(JSON.stringify(owned)) });

export const decodeMember = (memberId: string, metadata: Buffer): Member => {
  try {
    const owned: unknown = JSON.parse(MemberMetadata.decode(metadata)?.userData.toString('utf8') ?? '[]');
    return { memberId, owned: Array.isArray(owned) ? owned.filter((one): one is number => Number.isInteger(one)) : [] };
  } catch {
    return { memberId, owned: [] };
  }
};

export const encodeAssignment = (topics: readonly string[], partitions: number[]): Buffer =>
  MemberAssignment.encode({ version: 1, assignment: Object.fromEntries(topics.map((topic) => [topic, partitions])), userData: Buffer.alloc(0) });

export const decodeAssignment = (assignment: Buffer, topic: string): number[] => MemberAssignment.decode(assignment)?.assignment[topic] ?? [];

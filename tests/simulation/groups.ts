import type { Host } from './host.js';
import type { Random } from './random.js';
import type { VirtualTime } from './virtual-time.js';

/** A process in a group. */
export interface Member {
  readonly host: Host;
  granted(partition: number): void;
  revoked(partition: number): void;
}

interface Group {
  readonly name: string;
  readonly partitions: number;
  readonly members: Set<Member>;
  readonly holders: Map<number, Member>;
  readonly committed: Map<number, number>;
}

/** The groups' coordinator. It takes a partition away before the one who had it knows: zombies are normal. */
export class Groups {
  readonly #groups = new Map<string, Group>();

  constructor(
    private readonly time: VirtualTime,
    private readonly random: Random,
  ) {}

  join(name: string, partitions: number, member: Member): void {
    const group = this.#group(name, partitions);
    group.members.add(member);
    this.time.after(this.random.between(1, 300), () => this.#balance(group));
  }

  leave(name: string, member: Member): void {
    const group = this.#groups.get(name);
    if (!group?.members.delete(member)) return;
    for (const [partition, holder] of group.holders) if (holder === member) group.holders.delete(partition);
    this.time.after(this.random.between(1, 50), () => this.#balance(group));
  }

  /** Its process died, or was not heard for the length of a session. */
  lost(host: Host): void {
    for (const group of this.#groups.values()) for (const member of [...group.members]) if (member.host === host) this.#expire(group, member);
  }

  /** Takes a partition from one member and gives it to another. */
  handOver(): void {
    const group = this.random.chance(0.4) ? this.#groups.get('commands') : this.random.pick([...this.#groups.values()]);
    const [partition, holder] = this.random.pick([...(group?.holders ?? [])]) ?? [];
    const others = [...(group?.members ?? [])].filter((member) => member !== holder);
    if (!group || partition === undefined || !holder || others.length === 0) return;
    this.#give(group, partition, this.random.pick(others));
    this.#tell(holder, partition, group);
  }

  isHolder(name: string, partition: number, member: Member): boolean {
    return this.#groups.get(name)?.holders.get(partition) === member;
  }

  isMember(name: string, member: Member): boolean {
    return this.#groups.get(name)?.members.has(member) ?? false;
  }

  committed(name: string, partition: number): number | undefined {
    return this.#groups.get(name)?.committed.get(partition);
  }

  commit(name: string, partition: number, offset: number, member: Member): void {
    if (this.isHolder(name, partition, member)) this.#groups.get(name)?.committed.set(partition, offset);
  }

  #group(name: string, partitions: number): Group {
    let group = this.#groups.get(name);
    if (!group) this.#groups.set(name, (group = { name, partitions, members: new Set(), holders: new Map(), committed: new Map() }));
    return group;
  }

  #expire(group: Group, member: Member): void {
    group.members.delete(member);
    for (const [partition, holder] of group.holders) {
      if (holder !== member) continue;
      group.holders.delete(partition);
      this.#tell(member, partition, group);
    }
    this.#balance(group);
  }

  /** The one who had it hears of it later, sometimes much later. */
  #tell(member: Member, partition: number, group: Group): void {
    const ms = this.random.chance(0.5) ? this.random.between(0, 20) : this.random.between(0, 2_900);
    member.host.hear(ms, () => {
      if (group.holders.get(partition) !== member) member.revoked(partition);
      if (!group.members.has(member) && member.host.isAlive) this.join(group.name, group.partitions, member);
    });
  }

  #balance(group: Group): void {
    const members = [...group.members].filter(({ host }) => host.isAlive);
    if (members.length === 0) return;
    const load = new Map(members.map((member) => [member, 0]));
    for (const holder of group.holders.values()) load.set(holder, (load.get(holder) ?? 0) + 1);
    const least = (): Member => members.reduce((a, b) => ((load.get(b) ?? 0) < (load.get(a) ?? 0) ? b : a));
    const take = (partition: number): void => {
      const to = least();
      load.set(to, (load.get(to) ?? 0) + 1);
      this.#give(group, partition, to);
    };
    for (let partition = 0; partition < group.partitions; partition++) if (!group.holders.has(partition)) take(partition);
    for (const [partition, holder] of [...group.holders]) {
      if ((load.get(holder) ?? 0) - (load.get(least()) ?? 0) < 2) continue;
      load.set(holder, (load.get(holder) ?? 0) - 1);
      take(partition);
      this.#tell(holder, partition, group);
    }
  }

  #give(group: Group, partition: number, member: Member): void {
    group.holders.set(partition, member);
    member.host.hear(this.random.between(0.5, 20), () => {
      if (group.holders.get(partition) === member) member.granted(partition);
    });
  }
}

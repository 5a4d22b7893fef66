import type { Diagnostics } from '../diagnostics.js';
import { pause } from '../pause.js';
import type { Topic } from '../topics.js';
import { decodeAssignment, decodeMember, encodeAssignment, encodeMetadata, protocolName, share } from './assignment.js';
import { joinAs } from './join.js';
import type { Line } from './line.js';
import { atMost } from './retry.js';
import type { Wire } from './wire.js';

/** A member that is silent for this long loses its partitions, ms. */
const sessionTimeoutMs = 6_000;
/** An owner that has not been heard for this long stops appending, ms. */
const ownerSilenceMs = sessionTimeoutMs / 2;
const heartbeatMs = 500;
const rebalanceTimeoutMs = sessionTimeoutMs;
const leaveWithinMs = 3_000;

export interface MembershipOptions {
  readonly wire: Wire;
  readonly diagnostics: Diagnostics;
  readonly group: string;
  /** A name that a process keeps over restarts and shares with nobody. With it a restarted process takes up where it was killed; nobody waits for its dead predecessor. */
  readonly instance?: string;
  /** All of these have the same number of partitions; the first names them. */
  readonly topics: readonly [Topic, ...Topic[]];
  readonly partitions: number;
  /** What this member has from now on. Must not throw, nor take long. */
  readonly assigned: (partitions: readonly number[]) => void;
  /** Before this member asks for its share anew: what it hands over should be at rest. */
  readonly beforeRejoin?: () => Promise<void>;
}

const typeOf = (error: unknown): string => (error as { type?: string }).type ?? '';
const outOfGroup = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID', 'MEMBER_ID_REQUIRED']);

/**
 * One member of one group: joins, learns its share, says that it lives every half second by a timer and not by the pace of handlers,
 * and joins again when the group changes. A partition that stays with its member is not disturbed by a rebalance.
 */
export class Membership {
  private line: Line | undefined;
  private memberId = '';
  private generationId = -1;
  private owned: readonly number[] = [];
  private heardAt = Number.NEGATIVE_INFINITY;
  private joined = false;
  private readonly ending = new AbortController();
  private running: Promise<void> | undefined;
  private wake: () => void = () => undefined;
  private readonly wordWanted: { readonly since: number; readonly heard: () => void }[] = [];

  constructor(private readonly options: MembershipOptions) {}

  start(): void {
    this.running = this.run();
  }

  /** The group's coordinator has answered this member lately; otherwise others may have been told to take over. */
  get isHeard(): boolean {
    return Date.now() - this.heardAt < ownerSilenceMs;
  }

  /** Resolves when the coordinator has answered something asked after now, or `signal` aborts. */
  word(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      this.wordWanted.push({ since: Date.now(), heard: resolve });
      signal.addEventListener('abort', () => resolve(), { once: true });
      this.wake();
    });
  }

  /** Where the group is in `partition`, if it has said so. */
  async committed(partition: number): Promise<number | undefined> {
    const [topic] = this.options.topics;
    const { responses } = await this.withLine((line) => line.broker.offsetFetch({ groupId: this.options.group, topics: [{ topic, partitions: [{ partition }] }] }));
    const offset = Number(responses[0]?.partitions[0]?.offset ?? -1);
    return offset >= 0 ? offset : undefined;
  }

  /** Stores where the group is. Rejects if this member is no longer part of it. */
  async commit(offsets: ReadonlyMap<number, number>): Promise<void> {
    const [topic] = this.options.topics;
    const { group } = this.options;
    if (!this.line || !this.joined) throw new Error(`Expected to store progress of group '${group}', but this process is not part of it now`);
    const partitions = [...offsets].map(([partition, offset]) => ({ partition, offset: String(offset) }));
    await this.line.broker.offsetCommit({ groupId: group, groupGenerationId: this.generationId, memberId: this.memberId, topics: [{ topic, partitions }] });
  }

  /** Leaves, so that others take over at once. */
  async leave(): Promise<void> {
    this.ending.abort();
    this.wake();
    if (this.running) await atMost(this.running, leaveWithinMs);
    const { memberId } = this;
    if (memberId && !this.options.wire.closed.aborted)
      await atMost(
        this.withLine((line) => line.broker.leaveGroup({ groupId: this.options.group, memberId })),
        leaveWithinMs,
      );
    this.dropLine();
  }

  private async run(): Promise<void> {
    const { signal } = this.ending;
    for (let pauseMs = 50; !signal.aborted && !this.options.wire.closed.aborted; pauseMs = Math.min(pauseMs * 2, 500)) {
      try {
        this.line ??= await this.options.wire.coordinator(this.options.group);
        if (!this.joined) await this.join(this.line);
        pauseMs = 50;
        while (!signal.aborted) {
          await this.rest();
          if (!signal.aborted) await this.beat(this.line);
        }
      } catch (error) {
        if (signal.aborted) return;
        await this.recover(error);
        if (this.joined || typeOf(error) === '') await pause(pauseMs, signal);
      }
    }
  }

  private async rest(): Promise<void> {
    if (this.wordWanted.length > 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      timer = setTimeout(resolve, heartbeatMs);
      if (this.ending.signal.aborted) resolve();
    });
    clearTimeout(timer);
    this.wake = () => undefined;
  }

  private async beat(line: Line): Promise<void> {
    const asked = Date.now();
    await line.broker.heartbeat({ groupId: this.options.group, groupGenerationId: this.generationId, memberId: this.memberId });
    this.heard(asked);
  }

  /**
   * A join is answered once every member has joined or its session is over, so a dead one keeps it waiting. Until then the group has not
   * changed: a coordinator that says so, on a line of its own, has given nothing of ours away.
   */
  private async beatMeanwhile(answered: AbortSignal): Promise<void> {
    const asking = { groupId: this.options.group, groupGenerationId: this.generationId, memberId: this.memberId };
    await pause(heartbeatMs, answered);
    if (answered.aborted) return;
    await this.withLine(async ({ broker }) => {
      while (!answered.aborted) {
        const asked = Date.now();
        await broker.heartbeat(asking).catch((error: unknown) => {
          if (typeOf(error) !== 'REBALANCE_IN_PROGRESS') throw error;
        });
        if (answered.aborted) return;
        this.heard(asked);
        await pause(heartbeatMs, answered);
      }
      // What is wrong with the group the join itself is told.
    }).catch(() => undefined);
  }

  /** Everything asked for before `asked` has its answer. */
  private heard(asked: number): void {
    this.heardAt = asked;
    for (const wanted of this.wordWanted.splice(0)) {
      if (wanted.since <= asked) wanted.heard();
      else this.wordWanted.push(wanted);
    }
  }

  private async join(line: Line): Promise<void> {
    const { group, instance, topics, partitions, assigned } = this.options;
    const answered = new AbortController();
    if (this.owned.length > 0) void this.beatMeanwhile(answered.signal);
    const request = {
      groupId: group,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: rebalanceTimeoutMs,
      memberId: this.memberId,
      groupProtocols: [{ name: protocolName, metadata: encodeMetadata([...topics], this.owned) }],
    };
    const joined = await (instance ? joinAs(line, instance, request) : line.broker.joinGroup(request)).finally(() => answered.abort());
    this.memberId = joined.memberId;
    this.generationId = joined.generationId;
    const asked = Date.now();
    const { memberAssignment } = await line.broker.syncGroup({
      groupId: group,
      generationId: joined.generationId,
      memberId: joined.memberId,
      groupAssignment:
        joined.leaderId === joined.memberId
          ? [
              ...share(
                joined.members.map(({ memberId, memberMetadata }) => decodeMember(memberId, memberMetadata)),
                partitions,
              ),
            ].map(([memberId, some]) => ({
              memberId,
              memberAssignment: encodeAssignment(topics, some),
            }))
          : [],
    });
    if (this.ending.signal.aborted) return;
    this.joined = true;
    this.owned = decodeAssignment(memberAssignment, topics[0]);
    assigned(this.owned);
    this.heard(asked);
  }

  private async recover(error: unknown): Promise<void> {
    const type = typeOf(error);
    const { beforeRejoin, wire, group, diagnostics } = this.options;
    if (type === 'REBALANCE_IN_PROGRESS') {
      if (this.joined) await beforeRejoin?.();
      this.joined = false;
      return;
    }
    if (outOfGroup.has(type)) {
      diagnostics.warn({ group, because: type }, 'out of the group; joining it again');
      this.lose();
      if (type === 'UNKNOWN_MEMBER_ID') this.memberId = '';
      return;
    }
    this.dropLine();
    wire.forget();
    wire.report(`be a member of group ${group}`, error);
    if (Date.now() - this.heardAt > sessionTimeoutMs) this.lose();
  }

  /** Others may have what was ours. */
  private lose(): void {
    this.joined = false;
    if (this.owned.length === 0) return;
    this.owned = [];
    this.options.assigned([]);
  }

  private async withLine<T>(use: (line: Line) => Promise<T>): Promise<T> {
    const line = await this.options.wire.coordinator(this.options.group);
    try {
      return await use(line);
    } finally {
      line.close();
    }
  }

  private dropLine(): void {
    this.line?.close();
    this.line = undefined;
  }
}

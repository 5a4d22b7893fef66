import { encodeClaim } from '../envelope.js';
import { pause } from '../pause.js';
import { AppendLost, type LogRecord, type NewRecord, type Outgoing, type OwnedPartition, type Urgency } from '../port.js';
import { FenceLost, type GroupCommit } from './group-commit.js';
import type { Records } from './records.js';
import { measure } from './sizes.js';

/** What an owned partition rests on. */
export interface OwnedPartitionParts {
  readonly partition: number;
  readonly owner: string;
  readonly signal: AbortSignal;
  readonly commit: GroupCommit;
  readonly records: Records;
  readonly slot: (outgoing: Pick<Outgoing, 'topic' | 'partition'>) => number;
  /** Whether the group still says so, after a doubt. */
  readonly confirm: () => Promise<boolean>;
}

/** Fenced by the claim column of the partition: the server compares it while it holds the partition's lock. */
export class PostgresOwnedPartition implements OwnedPartition {
  private inForce: number | undefined;
  private inDoubt = false;

  constructor(private readonly parts: OwnedPartitionParts) {}

  get partition(): number {
    return this.parts.partition;
  }

  get signal(): AbortSignal {
    return this.parts.signal;
  }

  async claim(): Promise<number> {
    this.inForce = undefined;
    const { commit, partition, owner, slot, signal } = this.parts;
    const records = [encodeClaim(owner)];
    for (let backoff = 10; ; backoff = Math.min(backoff * 2, 500)) {
      if (signal.aborted) throw this.revoked();
      try {
        if (this.inDoubt && !(await this.parts.confirm())) throw new FenceLost('the group does not answer');
        const [offset] = await commit.write({
          parts: [{ topic: 'execution-events', partition, slot: slot({ topic: 'execution-events', partition }), records }],
          ...measure(records),
          exclusive: true,
          takesClaim: true,
          signal,
        });
        if (signal.aborted) throw this.revoked();
        this.inDoubt = false;
        this.inForce = offset as number;
        return this.inForce;
      } catch (error) {
        if (signal.aborted || !(error instanceof FenceLost)) throw error;
        this.inDoubt = true;
        await pause(backoff, signal);
      }
    }
  }

  async append(records: readonly NewRecord[], followUps: readonly Outgoing[] = [], urgency: Urgency = 'now'): Promise<{ baseOffset: number }> {
    const { commit, partition, slot, signal } = this.parts;
    const outgoing: Outgoing[] = [{ topic: 'execution-events', partition, records }, ...followUps];
    const sizes = outgoing.map((one) => measure(one.records));
    const fence = this.inForce;
    if (signal.aborted) throw new AppendLost(partition, 'it has been revoked');
    if (fence === undefined) throw new AppendLost(partition, 'no claim is in force');
    try {
      const [baseOffset] = await commit.write({
        parts: outgoing.filter((one) => one.records.length > 0).map((one) => ({ ...one, slot: slot(one) })),
        count: sizes.reduce((sum, { count }) => sum + count, 0),
        bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0),
        exclusive: true,
        fence,
        urgency,
        signal,
      });
      return { baseOffset: baseOffset as number };
    } catch (cause) {
      this.inForce = undefined;
      this.inDoubt = true;
      throw new AppendLost(partition, (cause as Error).message, { cause });
    }
  }

  readEvents(from: number, to: number): AsyncIterable<readonly LogRecord[]> {
    return this.parts.records.slice('execution-events', this.partition, from, to, this.signal);
  }

  async *commands(from: number): AsyncGenerator<readonly LogRecord[]> {
    const { partition, records, signal } = this.parts;
    const follower = records.follow('execution-commands', partition, from, signal);
    try {
      while (!signal.aborted) {
        const found = await records.next('execution-commands', partition, follower, 1_000);
        if (found.length === 0 || signal.aborted) return;
        yield found;
      }
    } finally {
      follower.leave();
    }
  }

  private revoked(): Error {
    return new Error(`Expected to claim partition ${this.partition}, but it was revoked`);
  }
}

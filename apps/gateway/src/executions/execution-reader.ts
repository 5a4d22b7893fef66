import type { ExecutionView, Freshness, Reads } from '@runlog/contract';
import { type EventLog, partitionOf } from '@runlog/event-log';
import type { Principal } from '../auth/principal.js';
import { Problem, unknown } from '../http/problem.js';
import { executionRef, isUuid } from '../ids.js';

const FRESH_MS = 1000;
const MIN_VERSION_MS = 5000;

/** A view and how far its reader trailed the log. `lagMs` only counts when it is stale. */
export interface Found {
  readonly view: ExecutionView;
  readonly stale: boolean;
  readonly lagMs: number;
}

interface Ask {
  readonly nodes?: boolean;
  readonly atVersion?: number;
  readonly minVersion?: number;
}

/** Reads executions so that a caller sees what any gateway has answered to it before: it waits, bounded, until the read models are there. */
export class ExecutionReader {
  constructor(
    private readonly log: EventLog,
    private readonly reads: Reads,
  ) {}

  /** By id, KSUID, hashid or key. Throws a 404 problem: unknown, or outside of what this key may see. */
  async one(who: Principal, ref: string, ask: Ask = {}): Promise<Found> {
    if (ask.atVersion !== undefined && ask.minVersion !== undefined) {
      // Waits for the one, then shows the other.
      await this.one(who, ref, { nodes: false, minVersion: ask.minVersion });
      return this.one(who, ref, { ...ask, minVersion: undefined });
    }
    const known = executionRef(ref);
    const found = known === null ? null : await this.lookUp(who, known, ask);
    if (!found || (who.podId !== null && found.view.pod_id !== who.podId)) throw unknown('execution', ref);
    if (ask.atVersion !== undefined && found.view.version !== ask.atVersion)
      throw new Problem('unknown', 'version_not_found', `Expected execution '${ref}' as it stood at version ${ask.atVersion}, but it has not got that far`);
    if (ask.minVersion !== undefined && found.view.version < ask.minVersion)
      throw new Problem(
        'unavailable',
        'version_not_there_yet',
        `Expected version ${ask.minVersion} of execution '${ref}' within ${MIN_VERSION_MS / 1000} s, but it stands at ${found.view.version}`,
        {
          headers: { 'Retry-After': '1' },
        },
      );
    return found;
  }

  /** Just after a command of this gateway led to `version`. */
  after(who: Principal, executionId: string, version: number): Promise<Found> {
    return this.one(who, executionId, { nodes: true, minVersion: version });
  }

  /** Where the log ends for this execution, as a bound for the read models. */
  async freshness(executionId: string): Promise<Freshness> {
    return this.upTo(partitionOf(executionId, this.log.partitions('execution-events')));
  }

  private async lookUp(who: Principal, ref: string, ask: Ask): Promise<Found | null> {
    if (isUuid(ref)) {
      const fresh = ask.minVersion === undefined ? await this.freshness(ref) : undefined;
      return (await this.ask(who, ref, ask, fresh)) ?? this.askOnceLevel(who, ref, ask, [fresh ?? (await this.freshness(ref))]);
    }
    const found = await this.ask(who, ref, { ...ask, nodes: false });
    if (found) return this.lookUp(who, found.view.id, ask);
    const partitions = Array.from({ length: this.log.partitions('execution-events') }, (_, partition) => partition);
    const ends = await Promise.all(partitions.map((partition) => this.upTo(partition)));
    const tries = await Promise.all(ends.map((fresh) => this.ask(who, ref, ask, fresh)));
    return tries.find((one) => one !== null) ?? this.askOnceLevel(who, ref, ask, ends);
  }

  /** What the read models did not have may be there all the same, unless they are as far now as the log was when it was asked for. */
  private async askOnceLevel(who: Principal, ref: string, ask: Ask, ends: readonly Freshness[]): Promise<Found | null> {
    const positions = new Map((await this.reads.positions()).map(({ partition, offset }) => [partition, offset]));
    if (ends.every(({ partition = 0, offset = 0 }) => (positions.get(partition) ?? 0) >= offset)) return this.ask(who, ref, { ...ask, minVersion: undefined });
    throw new Problem(
      'unavailable',
      'not_readable_yet',
      `Expected to look up execution '${ref}', but the read models are behind the log and it may be in what they lack: ask again`,
      {
        headers: { 'Retry-After': '1' },
      },
    );
  }

  private ask(who: Principal, ref: string, { nodes = true, atVersion, minVersion }: Ask, fresh?: Freshness): Promise<Found | null> {
    const bound = minVersion === undefined ? fresh : { minVersion, timeoutMs: MIN_VERSION_MS };
    return this.reads.execution({ workspaceId: who.workspaceId, ref, nodes, ...(bound && { fresh: bound }), ...(atVersion !== undefined && { atVersion }) });
  }

  private async upTo(partition: number): Promise<Freshness> {
    return { partition, offset: await this.log.end('execution-events', partition), timeoutMs: FRESH_MS };
  }
}

/** The header that owns up to a read that was not level in time. */
export const staleHeader = ({ stale, lagMs }: Found): Record<string, string> => (stale ? { 'Runlog-Stale': String(Math.round(lagMs)) } : {});

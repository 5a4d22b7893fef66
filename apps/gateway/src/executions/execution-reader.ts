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
    const known = executionRef(ref);
    const found = known === null ? null : await this.lookUp(who, known, ask);
    if (known !== null && !found && (await this.isBehind(known)))
      throw new Problem('unavailable', 'not_readable_yet', `Expected to look up execution '${ref}', but the read models are behind the log: it may be there, ask again`, {
        headers: { 'Retry-After': '1' },
      });
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

  /** Whether the read models lack something that was on the log when they were asked: what they don't know may be there all the same. */
  private async isBehind(ref: string): Promise<boolean> {
    const positions = await this.reads.positions();
    const own = isUuid(ref) ? partitionOf(ref, this.log.partitions('execution-events')) : undefined;
    const asked = positions.filter(({ partition }) => own === undefined || partition === own);
    const behind = await Promise.all(asked.map(async ({ partition, offset }) => offset < (await this.log.end('execution-events', partition))));
    return behind.includes(true);
  }

  private async lookUp(who: Principal, ref: string, ask: Ask): Promise<Found | null> {
    if (isUuid(ref)) return this.ask(who, ref, ask, ask.minVersion === undefined ? await this.freshness(ref) : undefined);
    const found = await this.ask(who, ref, { ...ask, nodes: false });
    if (found) return this.lookUp(who, found.view.id, ask);
    const partitions = Array.from({ length: this.log.partitions('execution-events') }, (_, partition) => partition);
    const tries = await Promise.all(partitions.map(async (partition) => this.ask(who, ref, ask, await this.upTo(partition))));
    return tries.find((one) => one !== null) ?? null;
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

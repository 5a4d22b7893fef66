import { chainId, type EventLog, encodeEvent, type NewRecord, type OwnedPartition, partitionOf, type Subscription } from '@runlog/event-log';
import type { CreatedData, EventData, EventType } from '@runlog/execution';
import { createdWith } from '@runlog/testing';
import { uuidv7 } from 'uuidv7';

type Fact = { [Type in EventType]: readonly [type: Type, data: EventData[Type], at?: number] }[EventType];

interface Tip {
  version: number;
  id: string;
}

/** Writes events as their owner would, for specs of what reads them: claimed, numbered and chained. */
export class Recorder {
  readonly #owned = new Map<number, { readonly owned: OwnedPartition; readonly claim: number }>();
  readonly #tips = new Map<string, Tip>();
  #subscription: Subscription | undefined;
  #commands = 0;
  /** Of the events that follow. */
  traceparent: string | undefined;

  constructor(
    private readonly log: EventLog,
    private readonly workspaceId: string,
  ) {}

  /** Resolves once every partition is claimed. */
  async start(): Promise<void> {
    const partitions = this.log.partitions('execution-events');
    await new Promise<void>((resolve, reject) => {
      this.log
        .own({
          group: 'recorder',
          run: async (owned) => {
            this.#owned.set(owned.partition, { owned, claim: await owned.claim() });
            if (this.#owned.size === partitions) resolve();
            await new Promise<void>((stopped) => owned.signal.addEventListener('abort', () => stopped()));
          },
        })
        .then((subscription) => {
          this.#subscription = subscription;
        }, reject);
    });
  }

  async stop(): Promise<void> {
    await this.#subscription?.stop();
  }

  /** The records of an execution's next events; `at` defaults to 1,000 and a millisecond per version. */
  encode(executionId: string, ...facts: Fact[]): NewRecord[] {
    const { claim } = this.#partition(executionId);
    const tip = this.#tips.get(executionId) ?? { version: 0, id: '' };
    this.#tips.set(executionId, tip);
    return facts.map(([type, data, at]) => {
      tip.version++;
      const link = {
        previous: tip.id,
        executionId,
        version: tip.version,
        type,
        schemaVersion: 1,
        commandId: `command-${++this.#commands}`,
        // No command on the log caused it: an engine that goes on from here begins with the first one.
        commandOffset: -1,
        workspaceId: this.workspaceId,
        at: at ?? 1_000 + tip.version,
        value: JSON.stringify(data),
      };
      tip.id = chainId(link);
      return encodeEvent({ ...link, type, id: tip.id, more: false, ...(this.traceparent === undefined ? {} : { traceparent: this.traceparent }) }, claim);
    });
  }

  /** Appends records of one partition. */
  append(executionId: string, records: readonly NewRecord[]): Promise<{ baseOffset: number }> {
    return this.#partition(executionId).owned.append(records);
  }

  record(executionId: string, ...facts: Fact[]): Promise<{ baseOffset: number }> {
    return this.append(executionId, this.encode(executionId, ...facts));
  }

  #partition(executionId: string): { readonly owned: OwnedPartition; readonly claim: number } {
    const partition = this.#owned.get(partitionOf(executionId, this.log.partitions('execution-events')));
    if (!partition) throw new Error(`Expected to own the partition of '${executionId}', but it is not claimed`);
    return partition;
  }
}

/** What a create settles, filled with the least. */
export const createdData = (given: Partial<CreatedData> & Pick<CreatedData, 'workflow_id' | 'workflow_version_id'>): CreatedData =>
  createdWith({ pod_id: uuidv7(), key: 'workflow_1', name: 'Workflow 1', actions_count: 2, ...given });

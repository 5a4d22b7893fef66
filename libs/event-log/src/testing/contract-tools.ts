import { AcceptedEvents } from '../claims.js';
import { type DecodedEvent, encodeEvent } from '../envelope.js';
import { AppendLost, type EventLog, type LogRecord, type NewRecord, type OwnedPartition, type Subscription } from '../port.js';
import type { Topic } from '../topics.js';

let names = 0;
/** A name that no other test uses. */
export const unique = (what: string): string => `${what}-${process.pid}-${Date.now()}-${++names}`;

export const records = (key: string, from: number, count: number): NewRecord[] =>
  Array.from({ length: count }, (_, index) => ({ key, value: JSON.stringify({ n: from + index }) }));

export const numberIn = (record: LogRecord): number => (JSON.parse(record.value.toString()) as { n: number }).n;

export const readAll = async (log: EventLog, topic: Topic, partition: number, from: number, to?: number): Promise<LogRecord[]> => {
  const found: LogRecord[] = [];
  for await (const slice of log.read(topic, partition, from, to ?? (await log.end(topic, partition)))) found.push(...slice);
  return found;
};

/** Events with legal data; `tag` tells them apart, `padding` makes them larger. */
export const eventRecord = (
  claim: number,
  event: { readonly execution: string; readonly version: number; readonly tag: string; readonly commandOffset?: number; readonly more?: boolean; readonly padding?: number },
): NewRecord =>
  encodeEvent(
    {
      id: `${event.execution}-${event.version}-${event.tag}`,
      previous: '',
      type: 'NodeCompleted',
      executionId: event.execution,
      workspaceId: 'default',
      version: event.version,
      schemaVersion: 1,
      at: 1_700_000_000_000,
      commandId: `command-${event.commandOffset ?? 0}`,
      commandOffset: event.commandOffset ?? 0,
      more: event.more ?? false,
      value: JSON.stringify({ node_id: event.tag, attempt: 1, output: 'x'.repeat(event.padding ?? 0) }),
    },
    claim,
  );

/** The events that count from `from` on, by the claim rule. */
export const acceptedFrom = async (log: EventLog, partition: number, from: number): Promise<DecodedEvent[]> => {
  const rule = new AcceptedEvents();
  const events: DecodedEvent[] = [];
  for (const record of await readAll(log, 'execution-events', partition, from)) {
    const accepted = rule.accept(record);
    if (accepted) events.push(accepted.event);
  }
  return events;
};

/** Names of nodes: the tags given to `eventRecord`. */
export const tags = (events: readonly DecodedEvent[]): string[] => events.map((event) => (event.data as { node_id: string }).node_id);

/** A member of a group of owners that holds what it is granted and does nothing on its own. */
export interface Owner {
  readonly owned: Map<number, OwnedPartition>;
  /** Every grant there ever was, in order. */
  readonly grants: OwnedPartition[];
  readonly subscription: Subscription;
}

export const becomeOwner = async (log: EventLog, group: string, run?: (owned: OwnedPartition) => Promise<void>): Promise<Owner> => {
  const owned = new Map<number, OwnedPartition>();
  const grants: OwnedPartition[] = [];
  const subscription = await log.own({
    group,
    run: async (partition) => {
      owned.set(partition.partition, partition);
      grants.push(partition);
      await run?.(partition);
      if (!partition.signal.aborted) await new Promise((resolve) => partition.signal.addEventListener('abort', resolve, { once: true }));
      if (owned.get(partition.partition) === partition) owned.delete(partition.partition);
    },
  });
  return { owned, grants, subscription };
};

/** Claims and appends until an append lands, as an owner does. Resolves with the claim it landed under. */
export const appendUnderClaim = async (owned: OwnedPartition, make: (claim: number) => NewRecord[], claimed?: number): Promise<number> => {
  for (let claim = claimed ?? (await owned.claim()); ; claim = await owned.claim()) {
    try {
      await owned.append(make(claim));
      return claim;
    } catch (error) {
      if (!(error instanceof AppendLost)) throw error;
    }
  }
};

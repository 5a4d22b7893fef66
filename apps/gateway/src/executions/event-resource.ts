import type { EventResource, EventView, ExecutionStatus } from '@runlog/contract';
import type { DecodedEvent } from '@runlog/event-log';
import type { Json } from '@runlog/execution';
import { utc } from './execution-times.js';

/** An event out of the history or out of the tail. */
export type EventResourceSource = EventView | DecodedEvent;

/** The same resource, whichever of the two it came from. */
export const eventResource = (event: EventResourceSource): EventResource => {
  const recorded = 'executionId' in event;
  const data = JSON.parse(typeof event.value === 'string' ? event.value : event.value.toString('utf8')) as { [key: string]: Json };
  return {
    object: 'event',
    id: event.id,
    execution_id: recorded ? event.executionId : event.execution_id,
    version: event.version,
    type: event.type,
    schema_version: recorded ? event.schemaVersion : event.schema_version,
    at: utc(event.at),
    previous: event.previous,
    command_id: recorded ? event.commandId : event.command_id,
    command_offset: recorded ? event.commandOffset : event.command_offset,
    workspace_id: recorded ? event.workspaceId : event.workspace_id,
    ...(typeof data.node_id === 'string' ? { node_id: data.node_id } : {}),
    ...(typeof data.attempt === 'number' ? { attempt: data.attempt } : {}),
    data,
  };
};

export const eventText = (event: EventResourceSource): string => JSON.stringify(eventResource(event));

const ends: Readonly<Record<string, ExecutionStatus>> = {
  ExecutionCompleted: 'completed',
  ExecutionFailed: 'failed',
  ExecutionRejected: 'rejected',
  ExecutionCancelled: 'cancelled',
};

/** The status that a terminal event leads to, null for any other. */
export const endOf = (type: string): ExecutionStatus | null => (Object.hasOwn(ends, type) ? (ends[type] ?? null) : null);

import type { EventView } from '@runlog/contract';
import { type DecodedEvent, decodeEvent } from '@runlog/event-log';

/** The event of a history as it was read from the log, upcast to its current shape. @throws UndecodableRecord */
export const recordedOf = (event: EventView): DecodedEvent =>
  decodeEvent({
    topic: 'execution-events',
    partition: -1,
    offset: event.version,
    key: event.execution_id,
    at: event.at,
    headers: {
      ce_id: event.id,
      ce_type: event.type,
      ce_subject: event.execution_id,
      ce_time: new Date(event.at).toISOString(),
      ce_version: String(event.version),
      ce_schemaversion: String(event.schema_version),
      ce_claim: '-1',
      ce_previous: event.previous,
      ce_commandid: event.command_id,
      ce_commandoffset: String(event.command_offset),
      ce_workspace: event.workspace_id,
    },
    value: Buffer.from(event.value, 'utf8'),
  });

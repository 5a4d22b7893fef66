import type { CreatedData, EventData, EventType, ExecutionId, GateRules, Instant, RecordedEvent } from '@runlog/execution';
import { createdWith } from '@runlog/testing';

/** An event of the execution at `at`; its chain members are empty because the scheduler does not look at them. */
export const eventOf = <Type extends EventType>(executionId: ExecutionId, version: number, at: Instant, type: Type, data: EventData[Type]): RecordedEvent =>
  ({
    type,
    data,
    id: `${executionId}-${version}`,
    previous: version === 1 ? '' : `${executionId}-${version - 1}`,
    executionId,
    workspaceId: 'workspace-1',
    version,
    schemaVersion: 1,
    at,
    commandId: `command-${version}`,
    commandOffset: version,
    more: false,
  }) as RecordedEvent;

export const createdData = (given: Partial<CreatedData> = {}): CreatedData => createdWith({ created_by: 'user:ada', key: 'triage_1', name: 'Triage 1', input: null, ...given });

export const gateRules = (given: Partial<GateRules> = {}): GateRules => ({
  prompt: 'Pay?',
  schema: null,
  approvers: null,
  expires_at: null,
  on_expiry: 'reject',
  on_reject: 'reject',
  reminders_at: [],
  ...given,
});

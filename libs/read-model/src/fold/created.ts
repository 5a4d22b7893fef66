import { type EventOf, ownTraceId, type RecordedEvent } from '@runlog/execution';
import { type ExecutionDraft, noNodes } from './draft.js';

/** The view of an execution that has just been created. */
export const created = (event: RecordedEvent & EventOf<'ExecutionCreated'>): ExecutionDraft => {
  const {
    run_number: _runNumber,
    timeout_includes_suspended: _timeout,
    cancel_grace_seconds: _grace,
    queue_ttl_seconds: _ttl,
    admission_error: _admission,
    ...settled
  } = event.data;
  return {
    ...settled,
    id: event.executionId,
    workspace_id: event.workspaceId,
    version: 0,
    tip: '',
    status: 'pending',
    superseded_by: null,
    status_reason: null,
    error: null,
    error_code: null,
    error_node_id: null,
    output: null,
    assigned_to_worker: null,
    completed_actions_count: 0,
    failed_actions_count: 0,
    running_actions_count: 0,
    stopped_actions_count: 0,
    n_steps: 0,
    n_agent_actions: 0,
    n_screenshots: 0,
    cost_nano_usd: '0',
    cost_complete: true,
    token_usage: { input_uncached: 0, cache_read: 0, cache_write: 0, output_text: 0, reasoning: 0 },
    created_at: event.at,
    started_at: null,
    completed_at: null,
    cancel_requested_at: null,
    cancellation: null,
    cancelled_at: null,
    cancelled_by: null,
    active_ms: 0,
    suspended_ms: 0,
    status_since: event.at,
    fault: null,
    trace_id: event.traceparent?.split('-')[1] ?? ownTraceId(event.executionId),
    ...(event.traceparent === undefined ? {} : { traceparent: event.traceparent }),
    gates: [],
    nodes: noNodes(),
    log_count: 0,
    last_log_line: null,
  };
};

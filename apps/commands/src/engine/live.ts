import type { Execution, NodeId } from '@runlog/execution';
import type { Workflow } from '@runlog/workflow';

/** An execution in its owner's memory. Its state may be ahead of the log; nobody else sees it before the log has caught up. */
export interface Live {
  readonly execution: Execution;
  readonly workflow: Workflow;
  /** Id of its last event. */
  tip: string;
  /** Version that is stored in `engine_state`; 0: none. */
  stored: number;
  /** Names of outputs, and of receipts of agents' calls, that are not stored yet. */
  freshOutputs: NodeId[];
  /** Rows of it may be in `engine_outputs`: an owner before this one may still be writing them. */
  hasStoredOutputs: boolean;
  /** Bytes of the events applied since it was loaded: about what it holds in memory. */
  bytes: number;
}

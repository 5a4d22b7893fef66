import type { ExecutionView, GateView } from '@runlog/contract';
import { isTerminalStatus } from './status.js';

/** The gates that somebody can still answer: undecided, of an execution that neither has ended nor is being cancelled. */
export const openGatesOf = (view: ExecutionView): readonly GateView[] =>
  isTerminalStatus(view.status) || view.cancel_requested_at !== null ? [] : view.gates.filter(({ decided }) => decided === null);

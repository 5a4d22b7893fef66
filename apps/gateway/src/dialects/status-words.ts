import type { ExecutionStatus } from '@runlog/contract';
import type { DialectName } from './dialect.js';

/** The one table of status words: what each dialect calls each canonical status. */
export const statusWords: Readonly<Record<DialectName, Readonly<Record<ExecutionStatus, string>>>> = {
  canonical: word('pending', 'queued', 'running', 'suspended', 'awaiting_approval', 'completed', 'failed', 'cancelled', 'rejected'),
  kinetic: word('pending', 'queued', 'running', 'running', 'running', 'completed', 'failed', 'failed', 'failed'),
  pods: word('queued', 'queued', 'running', 'suspended', 'suspended', 'completed', 'failed', 'cancelled', 'failed'),
  agents: word('pending', 'pending', 'running', 'awaiting_approval', 'awaiting_approval', 'completed', 'failed', 'cancelled', 'rejected'),
  'worker-runs': word('pending', 'pending', 'running', 'running', 'running', 'completed', 'failed', 'cancelled', 'failed'),
  'action-graph': word('idle', 'idle', 'running', 'running', 'running', 'completed', 'failed', 'stopped', 'failed'),
};

function word(
  pending: string,
  queued: string,
  running: string,
  suspended: string,
  awaiting_approval: string,
  completed: string,
  failed: string,
  cancelled: string,
  rejected: string,
): Record<ExecutionStatus, string> {
  return { pending, queued, running, suspended, awaiting_approval, completed, failed, cancelled, rejected };
}

/** Every canonical status that a dialect's word stands for; empty: it has no such word. */
export const statusesOf = (dialect: DialectName, wanted: string): ExecutionStatus[] =>
  (Object.entries(statusWords[dialect]) as [ExecutionStatus, string][]).filter(([, own]) => own === wanted).map(([status]) => status);

/** The words of a dialect, each once, in the order of the life of an execution. */
export const wordsOf = (dialect: DialectName): string[] => [...new Set(Object.values(statusWords[dialect]))];

import type { Bodies } from '@runlog/artifacts';
import type { PriceList } from '@runlog/cost';
import type { NodeTask } from '@runlog/execution';
import type { Frames } from '../frames.js';
import type { Redaction } from '../redaction.js';
import type { Steps } from './steps.js';

/** One message of an earlier execution in the same session. */
export interface Said {
  readonly role: 'user' | 'assistant';
  readonly content: string;
}

/** What an attempt of an agent may know of what came before it. */
export interface AgentMemory {
  /** What earlier attempts of the node have been heard to say. Resolves once the fence of this attempt, sent before, is stored. */
  saidBefore(task: NodeTask, signal: AbortSignal): Promise<{ readonly content: string; readonly thinking: string }>;
  /** The newest messages of the session before this execution, oldest first; those before the first that goes beyond `maxChars` are left out. */
  history(task: NodeTask, sessionId: string, maxChars: number, signal: AbortSignal): Promise<readonly Said[]>;
}

/** What an attempt of an agent has beside what every node has. */
export interface Agency {
  readonly task: NodeTask;
  readonly steps: Steps;
  readonly frames: Frames;
  readonly redaction: Redaction;
  readonly bodies: Bodies;
  readonly prices: PriceList;
  readonly memory: AgentMemory;
  /** The attempt's: aborted when it must end. */
  readonly signal: AbortSignal;
}

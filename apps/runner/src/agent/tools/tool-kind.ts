import type { ToolDefinition } from '@runlog/workflow';
import type { OpeningContext, Tool } from './tool.js';

/** What a kind gives of a tool; what all of them have in common is added by `openTools`. */
export type OpenedTool = Pick<Tool, 'call' | 'ask'> & Partial<Pick<Tool, 'name' | 'description' | 'inputSchema'>>;

/** One kind of tool. */
export interface ToolKind {
  /** Limit for a tool whose definition has none. */
  readonly defaultTimeoutMs: number;
  /** The functions that a model gets for a definition: most often one. @throws NodeFailure when it can't be opened */
  open(definition: ToolDefinition, context: OpeningContext): Promise<readonly OpenedTool[]>;
}

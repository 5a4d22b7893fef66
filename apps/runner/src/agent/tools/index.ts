import type { Json } from '@runlog/execution';
import type { OpeningContext, OpenTools } from './tool.js';

/**
 * Opens the tools of an agent's definition (`tools[]`); one of kind `mcp` gives as many as its server has.
 * @throws NodeFailure when one can't be opened
 */
export const openTools = async (_definitions: readonly Json[], _context: OpeningContext): Promise<OpenTools> => ({ tools: [], close: async () => undefined });

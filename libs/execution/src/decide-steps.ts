import type { CommandOf } from './commands.js';
import type { Decision } from './decide.js';
import type { Execution } from './execution.js';
import { refuse } from './refusal.js';

/** What the last calls of an agent came to is recorded, whatever becomes of those that it is about to make. */
export const takeStep = (command: CommandOf<'TakeStep'>, execution: Execution): Decision => refuse(command, execution, 'InvalidState', 'attempt_over', 'agents do not run yet');

export const parkNode = (command: CommandOf<'ParkNode'>, execution: Execution): Decision => refuse(command, execution, 'InvalidState', 'attempt_over', 'agents do not run yet');

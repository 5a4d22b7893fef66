import type jsonata from 'jsonata';
import type { Budget } from './budget.js';
import { LinearRegex } from './linear-regex.js';
import type { Shape } from './shape.js';

/** The frame that JSONata makes for one evaluation. */
interface Frame {
  budget?: Budget;
  depth: number;
  guardrails: () => void;
  RegexEngine: unknown;
}

/** Called by JSONata for each new frame, before it is used. */
export const FRAME_PUSHED = Symbol.for('jsonata.__createFrame_push') as unknown as string;
/** Called by JSONata with each value on the way. */
const EVALUATED = Symbol.for('jsonata.__evaluate_exit') as unknown as string;

let startedFrame: Frame | undefined;

/** Hooks up an expression once, when it has been read. Values are measured only where they can grow. */
export function watchFrames(expression: jsonata.Expression, shape: Shape): void {
  expression.assign(FRAME_PUSHED, (_outer: unknown, frame: Frame) => {
    startedFrame ??= frame;
  });
  if (shape.isBounded) return;
  expression.assign(EVALUATED, (_part: unknown, _input: unknown, environment: { base: Frame }, value: unknown) => environment.base.budget?.measure(value));
}

/** Starts an evaluation within a budget. JSONata makes its frame before it first waits, so the first frame seen here is this one's. */
export function startWithin(budget: Budget, expression: jsonata.Expression, shape: Shape, scope: unknown): Promise<unknown> {
  startedFrame = undefined;
  const value = expression.evaluate(scope) as Promise<unknown>;
  const frame = startedFrame as unknown as Frame;
  frame.budget = budget;
  frame.guardrails = () => budget.step(frame.depth);
  if (shape.regexes.length > 0) frame.RegexEngine = LinearRegex.within(budget);
  return value;
}

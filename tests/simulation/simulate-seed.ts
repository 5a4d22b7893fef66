import { violations } from './checks.js';
import { World } from './world.js';

/** What one seed gave. */
export interface Result {
  readonly seed: number;
  /** Everything that was ever written to the log, in order, in one hash. */
  readonly hash: string;
  readonly events: number;
  readonly turns: number;
  /** Broken promises; empty when all hold. */
  readonly violations: readonly string[];
  readonly lines: readonly string[];
}

/** Runs the world of one seed and checks what became of it. `watched`: the stations' log lines are kept. */
export const simulateSeed = async (seed: number, watched = false): Promise<Result> => {
  const world = new World(seed, watched);
  const strays: string[] = [];
  const stray = (error: unknown): void => void strays.push(`unhandled: ${error instanceof Error ? error.message : String(error)}`);
  process.on('unhandledRejection', stray);
  try {
    await world.run();
    const { history, time, lines } = world;
    const found = [...violations(world), ...new Set(strays)];
    return { seed, hash: world.broker.digest(), events: history.facts.length, turns: time.turns, violations: found, lines };
  } finally {
    process.off('unhandledRejection', stray);
  }
};

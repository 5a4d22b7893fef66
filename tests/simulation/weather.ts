import type { Random } from './random.js';

/** How one call of a port ends. `late`: its caller hears a failure, and it takes effect afterwards. */
export type Outcome = 'ok' | 'refused' | 'lost' | 'unanswered' | 'late' | 'swallowed';

/** The ports that calls go through. */
export type Port = 'append' | 'send' | 'fetch' | 'ask' | 'database' | 'commit' | 'group' | 'artifacts';

/** How bad things get in one seed. Some seeds are calm; the others draw each trouble apart, so that every mix comes up. */
export class Weather {
  readonly isCalm: boolean;
  readonly crashesAtCalls: number;
  readonly kills: number;
  readonly standstills: number;
  readonly handOvers: number;
  readonly slowness: number;
  /** How many of the appends that go wrong are acknowledged where an earlier one landed. */
  readonly #swallowed: number;
  readonly #trouble: Omit<Record<Port, number>, 'artifacts'>;

  constructor(
    private readonly random: Random,
    /** Virtual time from which on nothing goes wrong any more. */
    readonly clearsUpAt: number,
  ) {
    this.isCalm = random.chance(0.08);
    const level = (...levels: number[]): number => (this.isCalm ? 0 : random.pick(levels));
    this.#trouble = {
      append: level(0, 0, 0.03, 0.15),
      send: level(0, 0.02, 0.1),
      fetch: level(0, 0.01, 0.05),
      ask: level(0, 0.02),
      database: level(0, 0, 0.02, 0.1),
      commit: level(0, 0, 0.1, 0.3),
      group: 0,
    };
    this.crashesAtCalls = level(0, 0, 0.002, 0.01);
    this.kills = level(0, 0, 1, 2, 4);
    this.standstills = level(0, 0, 1, 3, 6);
    this.handOvers = level(0, 1, 3, 6, 10);
    this.slowness = level(0, 0.01, 0.05);
    this.#swallowed = level(0.15, 0.15, 0.6);
  }

  /** Appends fail often: for executions whose decisions take several. */
  roughenAppends(): void {
    if (!this.isCalm) this.#trouble.append = 0.3;
  }

  /** Milliseconds of one way. */
  latency(now: number): number {
    return this.random.between(0.1, 2) + (now < this.clearsUpAt && this.random.chance(this.slowness) ? this.random.between(5, 400) : 0);
  }

  outcome(port: Port, now: number): Outcome {
    if (now >= this.clearsUpAt || !this.random.chance(this.#trouble[port === 'artifacts' ? 'database' : port])) return 'ok';
    if (port === 'append' && this.random.chance(this.#swallowed)) return 'swallowed';
    return this.random.pick(['refused', 'lost', 'unanswered', 'unanswered', 'late', 'late']);
  }

  crashesHere(now: number): boolean {
    return now < this.clearsUpAt && this.random.chance(this.crashesAtCalls);
  }

  /** How long a caller waits for an answer that never comes. */
  timeoutMs(): number {
    return this.random.between(50, 4_000);
  }

  /** How long after its caller gave up a late request takes effect. */
  latenessMs(): number {
    return this.random.chance(0.5) ? this.random.between(0, 60) : this.random.between(0, 6_000);
  }
}

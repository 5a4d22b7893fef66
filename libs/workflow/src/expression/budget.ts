import type { Seed } from '../scope.js';
import { ExpressionFailed } from './expression-failed.js';
import { limits } from './limits.js';
import { randomFrom } from './random.js';

/** What one evaluation has used so far. Every check throws `ExpressionFailed`. */
export class Budget {
  private steps = 0;
  private matchingMs = 0;
  private readonly started = performance.now();
  private readonly sizes = new WeakMap<object, number>();
  private draw: (() => number) | undefined;

  constructor(
    readonly seed: Seed,
    private readonly text: string,
    /** False for an expression that changes values in place: what was measured may have grown. */
    private readonly remembersSizes: boolean,
    /** Characters and members of any value. */
    private readonly most: number = limits.value,
  ) {}

  /** Called at each evaluation of a part of the expression, `depth` levels down. */
  step(depth: number): void {
    if (depth > limits.depth) throw new ExpressionFailed('expression_timeout', `it is nested or calls itself more than ${limits.depth} levels deep`);
    this.charge(1);
  }

  charge(steps: number): void {
    this.steps += steps;
    if (this.steps > limits.steps) throw new ExpressionFailed('expression_timeout', `it took more than ${limits.steps} steps`);
    if ((this.steps & 1023) < steps && performance.now() - this.started > limits.wallMs)
      throw new ExpressionFailed('expression_timeout', `it took longer than ${limits.wallMs} ms`);
  }

  /** Time in regular expressions, which steps can't tell. */
  spendMatching(ms: number): void {
    this.charge(1);
    this.matchingMs += ms;
    if (this.matchingMs > limits.matchingMs) throw new ExpressionFailed('expression_timeout', `its regular expressions took longer than ${limits.matchingMs} ms`);
  }

  /** Stops what still runs of an evaluation that has ended: the other members of an array or object whose sibling failed. */
  exhaust(): void {
    this.steps = Number.POSITIVE_INFINITY;
  }

  /** Refuses a value that is too large to be copied, compared or written, however little memory it takes now. */
  measure(value: unknown): void {
    const fresh = { units: 0 };
    this.sizeOf(value, 0, fresh);
    if (fresh.units > 64) this.charge(fresh.units >> 6);
  }

  private sizeOf(value: unknown, depth: number, fresh: { units: number }): number {
    if (typeof value === 'string') {
      if (value.length > this.most) tooLarge(this.most);
      return value.length + 1;
    }
    if (typeof value !== 'object' || value === null) return 1;
    if ('_jsonata_lambda' in value || '_jsonata_function' in value) return 1;
    if (depth > limits.valueDepth) throw new ExpressionFailed('expression_too_large', `a value is nested deeper than ${limits.valueDepth} levels`);
    const known = this.remembersSizes ? this.sizes.get(value) : undefined;
    if (known !== undefined) return known;
    let size = 1;
    if (Array.isArray(value)) for (const item of value) size = this.within(size + this.sizeOf(item, depth + 1, fresh));
    else for (const key in value) size = this.within(size + key.length + this.sizeOf((value as Record<string, unknown>)[key], depth + 1, fresh));
    fresh.units += Array.isArray(value) ? value.length : 8;
    if (this.remembersSizes && size > 8) this.sizes.set(value, size);
    return size;
  }

  private within(size: number): number {
    if (size > this.most) tooLarge(this.most);
    return size;
  }

  /** The next number of the sequence that the seed determines, in [0, 1). */
  random(): number {
    this.draw ??= randomFrom(`${this.seed.commandId}\n${this.seed.at}\n${this.text}`);
    return this.draw();
  }
}

/** Refuses text that a function would make. */
export function checkText(length: number): void {
  if (length > limits.value) tooLarge(limits.value);
}

function tooLarge(most: number): never {
  throw new ExpressionFailed('expression_too_large', `a value is larger than ${most} characters and members`);
}

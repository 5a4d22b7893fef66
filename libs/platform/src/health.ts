/** Resolves to true, or false, or a sentence that says what is wrong; a rejection counts as wrong. */
export type HealthCheck = () => Promise<boolean | string> | boolean | string;
export type HealthKind = 'live' | 'ready';

export interface HealthReport {
  readonly status: 'up' | 'down';
  readonly checks: { readonly [name: string]: { readonly status: 'up' | 'down'; readonly detail?: string } };
}

const CHECK_MS = 2000;

/** `live`: restart me if this fails. `ready`: send me no traffic while this fails. Each check has two seconds. */
export class HealthRegistry {
  private readonly checks = new Map<string, { kind: HealthKind; check: HealthCheck }>();

  add(name: string, check: HealthCheck, kind: HealthKind = 'ready'): void {
    this.checks.set(name, { kind, check });
  }

  /** Whoever is not live is not ready either. */
  async report(kind: HealthKind): Promise<HealthReport> {
    const asked = [...this.checks].filter(([, entry]) => kind === 'ready' || entry.kind === 'live');
    const results = await Promise.all(asked.map(async ([name, { check }]) => [name, await outcome(check)] as const));
    return { status: results.every(([, result]) => result.status === 'up') ? 'up' : 'down', checks: Object.fromEntries(results) };
  }
}

const outcome = async (check: HealthCheck): Promise<{ status: 'up' | 'down'; detail?: string }> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${CHECK_MS} ms`), CHECK_MS);
  });
  try {
    const answer = await Promise.race([check(), late]);
    if (answer === true) return { status: 'up' };
    return typeof answer === 'string' ? { status: 'down', detail: answer } : { status: 'down' };
  } catch (error) {
    return { status: 'down', detail: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
};

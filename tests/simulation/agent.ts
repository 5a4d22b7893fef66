import type { CallGate, CallIntent, JournalEntry, Json, TokensUse } from '@runlog/execution';
import type { Agency } from '../../apps/runner/src/agent/agency.js';
import { Journal } from '../../apps/runner/src/agent/journal.js';
import { type NodeContext, NodeFailure, type NodeKind } from '../../apps/runner/src/kinds/node-kind.js';
import type { Random } from './random.js';

/** A call that the world outside saw an agent make, which no crash undoes. */
export interface SeenCall {
  readonly executionId: string;
  readonly node: string;
  readonly attempt: number;
  readonly key: string;
  readonly name: string;
  readonly run: string;
  readonly at: number;
}

/** What the world lends an agent. */
export interface AgentSurroundings {
  readonly random: Random;
  isTroubled(): boolean;
  /** Its process is gone: nothing that it does reaches the world. */
  isDead(): boolean;
  call(seen: SeenCall): void;
  nextRun(): string;
}

/** `plain` is repeated when nobody knows what became of it, of `asking` people are asked; `approved` needs a word before, `human` is people's to answer. */
type ToolName = 'plain' | 'asking' | 'approved' | 'human';
interface Said {
  readonly run: string;
  readonly tools: readonly ToolName[];
  readonly isLast: boolean;
}

type Entry = Omit<JournalEntry, 'receipt_ref'>;
type Plan = { readonly gives: string } | { readonly asks: CallGate } | { readonly runs: CallIntent };

/** Nano-USD that a model call may cost at most. */
const dearest = 1_000;
const turnsAtMost = 3;
const never = new Promise<never>(() => undefined);

/** One attempt of an agent that nobody's model drives: models and tools as the dice fall, journal and steps as the runner has them. */
export class SimulatedAgent {
  constructor(private readonly around: AgentSurroundings) {}

  get kind(): NodeKind {
    return { kind: 'agent', defaultTimeoutMs: 60_000, endsOnTime: true, takesSteps: true, run: (context) => this.#run(context) };
  }

  async #run({ agency, signal }: NodeContext): Promise<{ output: Json }> {
    if (!agency) throw new Error('Expected an attempt of an agent to have its agency');
    const attempt = new AttemptOfAgent(agency, await Journal.open(agency), signal, this.around);
    return { output: { agent: agency.task.node, heard: await attempt.converse() } };
  }
}

class AttemptOfAgent {
  constructor(
    private readonly agency: Agency,
    private readonly journal: Journal,
    private readonly signal: AbortSignal,
    private readonly around: AgentSurroundings,
  ) {}

  /** The runs that it heard of, in order: a function of the journal where that has them. */
  async converse(): Promise<string[]> {
    const { journal, around } = this;
    if (!journal.entry('session')) await journal.record({ key: 'session', receipt: { run: around.nextRun() } });
    const heard: string[] = [];
    for (let turn = 1; turn <= turnsAtMost; turn++) {
      const said = await this.#model(`m${turn}`);
      heard.push(said.run, ...(await this.#tools(`m${turn}`, said.tools)));
      if (said.isLast) break;
    }
    return heard;
  }

  async #model(key: string): Promise<Said> {
    const { random } = this.around;
    for (let tries = this.journal.tries(key), nth = tries.length, count = 1; ; count++) {
      const answered = tries.find(({ standing, error }) => standing === 'recorded' && !error);
      if (answered) return answered.receipt as unknown as Said;
      const isUnder = nth > 0 && tries[nth - 1]?.standing === 'begun' && count === 1 && random.chance(0.5);
      const name = isUnder ? nthTry(key, nth) : nthTry(key, ++nth);
      await this.agency.steps.begin([{ key: name, kind: 'model', name: 'model', reserve_nano_usd: String(dearest) }]);
      const run = await this.#reach(name, 'model');
      const fails = this.around.isTroubled() && random.chance(0.15);
      const said = { run, tools: this.#wishes(), isLast: random.chance(0.4) };
      const used = this.#used(fails);
      const receipt = (fails ? { run } : said) as unknown as Json;
      await this.journal.record({ key: name, receipt, ...(used ? { used } : {}), ...(fails ? { error: { code: 'model_failed', message: 'it was busy', retryable: true } } : {}) });
      if (!fails) return said;
      if (count >= 3) throw new NodeFailure({ code: 'model_failed', message: 'it was busy', retryable: true });
      tries = [];
    }
  }

  /** What people and tools gave, by call. */
  async #tools(key: string, tools: readonly ToolName[]): Promise<string[]> {
    const plans = tools.map((tool, at) => this.#plan(`${key}.t${at + 1}`, tool));
    const runs = plans.flatMap((plan) => ('runs' in plan ? [plan.runs] : []));
    const given = new Map<string, string>();
    if (runs.length > 0) {
      await this.agency.steps.begin(runs);
      await Promise.all(
        runs.map(async (intent) => {
          const run = await this.#reach(intent.key, intent.name);
          await this.journal.record({ key: intent.key, receipt: { run } });
          given.set(intent.key, run);
        }),
      );
    }
    const asks = plans.flatMap((plan) => ('asks' in plan ? [plan.asks] : []));
    if (asks.length > 0) await this.agency.steps.park(asks);
    return plans.map((plan) => ('gives' in plan ? plan.gives : (('runs' in plan && given.get(plan.runs.key)) as string)));
  }

  #plan(key: string, tool: ToolName): Plan {
    const tries = this.journal.tries(key);
    const recorded = tries.find(({ standing }) => standing === 'recorded');
    if (recorded) return { gives: (recorded.receipt as { run: string }).run };
    const last = tries.at(-1);
    const decided = last?.gate?.decision;
    const repeats = last?.standing === 'begun' && this.around.random.chance(0.5) ? nthTry(key, tries.length) : nthTry(key, tries.length + 1);
    const runs = (name: string): Plan => ({ runs: { key: name, kind: 'tool', name: tool, reserve_nano_usd: null } });
    if (tool === 'human') return decided === undefined ? this.#ask(key, 'question', tool, last) : { gives: 'people' };
    if (tool === 'approved' && (!last || last.standing === 'asked')) {
      if (decided === undefined) return this.#ask(key, 'approval', tool, last);
      return decided === 'reject' ? { gives: 'people' } : runs(key);
    }
    if (tool === 'asking' && last?.standing === 'begun' && decided !== 'repeat') return decided === undefined ? this.#ask(last.key, 'effect', tool, last) : { gives: 'people' };
    return runs(last ? repeats : key);
  }

  #ask(key: string, kind: CallGate['kind'], name: string, last: Entry | undefined): Plan {
    const { random } = this.around;
    const expiring = { expires_in_seconds: 4, on_expiry: random.pick(['approve', 'reject'] as const), reminders_seconds: [1, 2] };
    return { asks: { key: last?.key ?? key, kind, name, rules: { prompt: 'May it?', ...(kind === 'approval' && random.chance(0.5) ? expiring : {}) } } };
  }

  #wishes(): ToolName[] {
    const { random } = this.around;
    return Array.from({ length: random.pick([0, 0, 1, 2, 3]) }, () => random.pick(['plain', 'plain', 'asking', 'asking', 'approved', 'human'] as const));
  }

  /** A failed call may have used nothing, or nobody knows what. */
  #used(fails: boolean): TokensUse | undefined {
    const { random } = this.around;
    if (fails && random.chance(0.5)) return undefined;
    if (fails || random.chance(0.05)) return { provider: 'simulated', model: 'model', tokens: null, cost_nano_usd: null, price: null };
    const tokens = { input: random.whole(1, 50), cache_read: 0, cache_write: 0, output: random.whole(1, 50), reasoning: 0 };
    return { provider: 'simulated', model: 'model', tokens, cost_nano_usd: String(random.whole(0, dearest)), price: 'list' };
  }

  /** The world sees the call, and takes its time. */
  async #reach(key: string, name: string): Promise<string> {
    const { random, isTroubled, isDead, call, nextRun } = this.around;
    const { executionId, node, attempt } = this.agency.task;
    this.signal.throwIfAborted();
    if (isDead()) return never;
    const run = nextRun();
    call({ executionId, node, attempt, key, name, run, at: Date.now() });
    const ms = isTroubled() && random.chance(0.15) ? random.between(500, 5_000) : random.between(1, 80);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, ms);
      this.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(this.signal.reason);
      });
    });
    return run;
  }
}

const nthTry = (key: string, nth: number): string => (nth === 1 ? key : `${key}.${nth}`);

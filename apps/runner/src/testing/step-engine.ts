import { decodeJson, type EventLog, type Subscription } from '@runlog/event-log';
import type { CallGate, CommandOf, ExecutionCommand, JournalEntry, NodeTask, Reply } from '@runlog/execution';
import type { Engine } from './engine.js';

type Step = CommandOf<'TakeStep'> | CommandOf<'ParkNode'>;

/** Answers steps of agents as the engine does, and keeps their journals: `journal` is what a next task would carry. */
export class StepEngine {
  readonly steps: Step[] = [];
  readonly #entries = new Map<string, JournalEntry>();
  readonly #answered = new Map<string, Reply>();
  #subscription: Subscription | undefined;
  /** What is refused, and why: by the step. */
  refuses: (step: Step) => string | undefined = () => undefined;

  private constructor(private readonly log: EventLog) {}

  static async open(engine: Engine): Promise<StepEngine> {
    const steps = new StepEngine(engine.log);
    steps.#subscription = await engine.log.tail({
      topic: 'execution-commands',
      start: async () => 'end',
      onBatch: async ({ records }) => {
        for (const record of records) await steps.#hear(decodeJson<ExecutionCommand>(record), engine);
      },
    });
    return steps;
  }

  get journal(): readonly JournalEntry[] {
    return [...this.#entries.values()];
  }

  get gates(): readonly CallGate[] {
    return this.steps.flatMap((step) => (step.type === 'ParkNode' ? step.asks : []));
  }

  decide(key: string, decision: string, answer: JournalEntry['receipt'] = null): void {
    const entry = this.#entries.get(key);
    if (!entry) throw new Error(`Expected call '${key}' to be asked about`);
    this.#entries.set(key, { ...entry, gate: { decision, answer, by: 'user:u', at: Date.now(), comment: 'as said' } });
  }

  /** The task that follows, with the journal so far. */
  next(task: NodeTask): NodeTask {
    return { ...task, attempt: task.attempt + 1, journal: this.journal };
  }

  async stop(): Promise<void> {
    await this.#subscription?.stop();
  }

  async #hear(command: ExecutionCommand, engine: Engine): Promise<void> {
    if ('records' in command) for (const record of command.records ?? []) this.#record(record);
    if (command.type !== 'TakeStep' && command.type !== 'ParkNode') return;
    const { id: commandId, executionId } = command;
    const refused = this.refuses(command);
    const reply: Reply =
      refused === undefined
        ? (this.#answered.get(commandId) ?? { type: 'accepted', commandId, executionId, version: 10 + command.nth })
        : { type: 'refused', commandId, executionId, rejection: { rejected: 'InvalidState', because: `it is ${refused}`, reason: refused } };
    if (refused === undefined && !this.#answered.has(commandId)) {
      this.#answered.set(commandId, { type: 'unchanged', commandId, executionId, version: 10 + command.nth });
      this.steps.push(command);
      if (command.type === 'TakeStep') for (const { key, kind, name } of command.begins) this.#entries.set(key, { ...this.#entries.get(key), key, kind, name, standing: 'begun' });
      else for (const { key, name } of command.asks) this.#entries.set(key, { standing: 'asked', ...this.#entries.get(key), key, kind: 'tool', name });
    }
    await engine.send(command.runner, reply);
  }

  #record({ key, receipt, receipt_ref, error }: CommandOf<'TakeStep'>['records'][number]): void {
    const known = this.#entries.get(key) ?? { key, kind: 'session' as const, name: 'session' };
    this.#entries.set(key, { ...known, standing: 'recorded', ...(receipt_ref ? { receipt_ref } : { receipt }), ...(error ? { error } : {}) });
  }
}

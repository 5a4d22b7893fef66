import { decodeJson, type Subscription } from '@runlog/event-log';
import type { CallGate, CommandOf, ExecutionCommand, JournalEntry, Json, NodeTask, Reply } from '@runlog/execution';
import type { Engine } from './engine.js';

type Step = CommandOf<'TakeStep'> | CommandOf<'ParkNode'>;
type Task = Pick<NodeTask, 'executionId'>;

/** Answers steps of agents as the engine does, and keeps their journals. */
export class StepEngine {
  readonly #steps: Step[] = [];
  readonly #journals = new Map<string, Map<string, JournalEntry>>();
  readonly #answered = new Set<string>();
  #subscription: Subscription | undefined;
  /** Why a step is refused; undefined: it is not. */
  refuses: (step: Step) => string | undefined = () => undefined;

  static async open(engine: Engine): Promise<StepEngine> {
    const steps = new StepEngine();
    steps.#subscription = await engine.log.tail({
      topic: 'execution-commands',
      start: async () => 'end',
      onBatch: async ({ records }) => {
        for (const record of records) await steps.#hear(decodeJson<ExecutionCommand>(record), engine);
      },
    });
    return steps;
  }

  stop = async (): Promise<void> => this.#subscription?.stop();

  steps({ executionId }: Task): readonly Step[] {
    return this.#steps.filter((step) => step.executionId === executionId);
  }

  journal({ executionId }: Task): readonly JournalEntry[] {
    return [...(this.#journals.get(executionId)?.values() ?? [])];
  }

  gates(task: Task): readonly CallGate[] {
    return this.steps(task).flatMap((step) => (step.type === 'ParkNode' ? step.asks : []));
  }

  decide(
    { executionId }: Task,
    key: string,
    decision: string,
    answer: Json = null,
    { by, comment }: { by: string; comment: string | null } = { by: 'user:u', comment: 'as said' },
  ): void {
    this.#change(executionId, key, { gate: { decision, answer, by, at: Date.now(), comment } });
  }

  /** The task that follows, with the journal so far. */
  next(task: NodeTask): NodeTask {
    return { ...task, attempt: task.attempt + 1, journal: this.journal(task) };
  }

  async #hear(command: ExecutionCommand, engine: Engine): Promise<void> {
    const { id: commandId, executionId } = command;
    if ('records' in command) for (const record of command.records ?? []) this.#record(executionId, record);
    if (command.type !== 'TakeStep' && command.type !== 'ParkNode') return;
    const because = this.refuses(command);
    if (because !== undefined)
      return engine.send(command.runner, { type: 'refused', commandId, executionId, rejection: { rejected: 'InvalidState', because: `it is ${because}`, reason: because } });
    const type: Reply['type'] = this.#answered.has(commandId) ? 'unchanged' : 'accepted';
    if (type === 'accepted') {
      this.#answered.add(commandId);
      this.#steps.push(command);
      if (command.type === 'TakeStep') for (const { key, kind, name } of command.begins) this.#change(executionId, key, { kind, name, standing: 'begun' });
      else for (const { key, name, arguments_sha256 } of command.asks) this.#change(executionId, key, { name, ...(arguments_sha256 === undefined ? {} : { arguments_sha256 }) });
    }
    await engine.send(command.runner, { type, commandId, executionId, version: 10 + command.nth });
  }

  #record(executionId: string, { key, receipt, receipt_ref, error }: CommandOf<'TakeStep'>['records'][number]): void {
    this.#change(executionId, key, { standing: 'recorded', ...(receipt_ref ? { receipt_ref } : { receipt }), ...(error ? { error } : {}) });
  }

  #change(executionId: string, key: string, change: Partial<JournalEntry>): void {
    const journal = this.#journals.get(executionId) ?? new Map<string, JournalEntry>();
    this.#journals.set(executionId, journal);
    const kind = key === 'session' ? 'session' : 'tool';
    journal.set(key, { key, kind, name: key, standing: 'asked', ...journal.get(key), ...change });
  }
}

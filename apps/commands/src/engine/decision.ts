import { breathe } from '@runlog/event-log';
import {
  type CommandOf,
  type Decision,
  decide,
  decideBegins,
  decideIntent,
  type Evaluation,
  type ExecutionCommand,
  intentOf,
  isRejection,
  isTerminal,
  next,
  type Rejection,
  refuse,
  settle,
  startOf,
} from '@runlog/execution';
import type { Logger } from '@runlog/platform';
import type { Workflow } from '@runlog/workflow';
import type { Reservation } from './accounts.js';
import { outcomeAtOnce, outcomeOf } from './evaluation.js';
import type { FollowUp } from './follow-ups.js';
import { PartitionHalted } from './halted.js';
import type { Live } from './live.js';
import { type Desk, Recording, type Wait } from './recording.js';
import type { FetchedOutputs } from './reused-outputs.js';
import { taskFor, withStoredJournal } from './task-building.js';
import type { Workflows } from './workflows.js';

/** A command as read from its partition. */
export interface Received {
  readonly command: ExecutionCommand;
  readonly offset: number;
  /** Of a create that reuses nodes: their outputs, as far as anything reads them; absent where the source could not be read. */
  readonly reused?: FetchedOutputs | undefined;
  /** The body that it refers to is not in the store. */
  readonly lacksBody?: string;
  /** The execution that it follows has not ended yet, as far as the read model knows. */
  readonly isEarly?: true;
  /** What was reserved for its calls beyond the execution, in case they may begin. */
  readonly reserved?: readonly Reservation[];
  /** Of that, what was reserved just now; the rest was when the step came here before. */
  readonly fresh?: readonly Reservation[];
}

/** The decision on a command broke off after its first events: the memory of the partition is ahead of anything that may be recorded. */
export class DecisionBroke extends Error {
  constructor(
    readonly offset: number,
    readonly error: unknown,
  ) {
    super(`Expected to decide the command at offset ${offset}, but it broke: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

const fromClients: ReadonlySet<string> = new Set(['CreateExecution', 'RetryExecution', 'Respond', 'CancelExecution']);

/** Carries out commands one after the other: decide, record, and whatever follows from the new state, until it is idle. */
export class Decider {
  constructor(
    private readonly desk: Desk,
    private readonly workflows: Workflows,
    private readonly partition: number,
    private readonly logger: Logger,
  ) {}

  /**
   * `continuing`: some of its events are recorded already, so a refusal only says that nothing is left to decide; what follows is still due.
   * @throws DecisionBroke; or what the outbox failed with.
   */
  async carryOut(received: Received, continuing: boolean): Promise<void> {
    const { command, offset } = received;
    const live = this.desk.residents.get(command.executionId);
    const workflow = live?.workflow ?? (command.type === 'CreateExecution' ? this.workflows.known(command.created.workflow_version_id) : undefined);
    let start = startOf(command);
    let decision: Decision;
    try {
      if (!workflow) decision = unknown(command);
      else if (received.lacksBody !== undefined) decision = bodiless(command, received.lacksBody);
      else if (lacksSource(received)) decision = unreadable(command);
      else decision = decide(start ?? command, live?.execution, workflow);
    } catch (error) {
      return this.fault(received, error);
    }
    if (isRejection(decision)) {
      if (!continuing || !live) {
        if (received.reserved) await this.#release(received, live, true);
        return this.#refuse(command, decision, start);
      }
      decision = [];
      start = undefined;
    }
    if (!workflow) return;
    const recording = new Recording(this.desk, command, offset, workflow, live, received.reused);
    try {
      if (start) recording.at = start.at;
      const added = recording.add(decision);
      if (added) await added;
      const reported = start && this.#report(command, recording, workflow);
      if (reported) await reported;
      const answered = this.#answer(command, recording, workflow);
      const reply = answered instanceof Promise ? await answered : answered;
      if (received.reserved) await this.#release(received, recording.live, reply !== undefined && 'reply' in reply && reply.reply.type === 'refused');
      const followed = recording.count > 0 || continuing ? this.#follow(recording, command, workflow) : undefined;
      if (followed) await followed;
      const closed = recording.close(reply);
      if (closed) await closed;
    } catch (error) {
      this.desk.outbox.check();
      if (recording.count > 0) throw new DecisionBroke(offset, error);
      return this.fault(received, error);
    }
    if (recording.count === 0 && live) await this.#repeat(command, live);
  }

  /** The command can't be decided: its sender is refused; what came from inside leaves a trace in the execution. */
  async fault({ command, offset }: Received, error: unknown): Promise<void> {
    const message = (error instanceof Error ? error.message : String(error)).slice(0, 2_000);
    this.logger.error({ err: error, partition: this.partition, offset, command: command.id, type: command.type, execution: command.executionId }, 'a command could not be decided');
    const live = this.desk.residents.get(command.executionId);
    this.#refuse(command, refuse(command, live?.execution, 'InvalidState', 'fault', `deciding it failed: ${message}`));
    if (!live || isTerminal(live.execution.status) || fromClients.has(command.type)) return;
    const recording = new Recording(this.desk, command, offset, live.workflow, live);
    try {
      await recording.add([{ type: 'ExecutionFaulted', data: { command_type: command.type, error: message } }]);
      await recording.close();
    } catch (cause) {
      this.desk.outbox.check();
      throw new PartitionHalted(this.partition, `the fault of the command at offset ${offset} could not be recorded`, { cause });
    }
  }

  /** After the start that the report stands for: nothing stands against it any more. */
  #report(command: ExecutionCommand, recording: Recording, workflow: Workflow): Wait {
    const decision = decide(command, recording.live?.execution, workflow);
    if (isRejection(decision)) throw new Error(`Expected a report to be taken after its start, but got: ${decision.because}`);
    recording.at = command.at;
    return recording.add(decision);
  }

  /** What is decided on the state that the first events have left, and told to whoever sent the command, with the last of its events. */
  #answer(command: ExecutionCommand, recording: Recording, workflow: Workflow): FollowUp | undefined | Promise<FollowUp | undefined> {
    if (command.type === 'TakeStep') return this.#step(command, recording, workflow);
    if (command.type === 'ParkNode') return recording.count > 0 ? accepted(command, recording.live) : undefined;
    const intent = intentOf(command);
    return intent && this.#begin(intent, recording, command as CommandOf<'CompleteNode'>, workflow);
  }

  /** A leg's next node: started without a task, or its refusal, which leaves with what it rests on. */
  #begin(intent: CommandOf<'StartNode'>, recording: Recording, report: CommandOf<'CompleteNode'>, workflow: Workflow): FollowUp | Wait {
    const { live } = recording;
    if (!live) return undefined;
    const decision = decideIntent(intent, report, live.execution, workflow);
    return isRejection(decision) ? refusal(intent, decision) : recording.add(decision, false);
  }

  /** The calls that an agent is about to make: they may begin, or its runner hears why not. Said again for a step that has been taken. */
  async #step(command: CommandOf<'TakeStep'>, recording: Recording, workflow: Workflow): Promise<FollowUp | undefined> {
    const { live } = recording;
    if (!live) return undefined;
    const { events, refused } = decideBegins(command, live.execution, workflow);
    await recording.add(events);
    return refused ? refusal(command, refused) : accepted(command, live);
  }

  /**
   * What the step holds for calls that it has not begun; and what was set aside anew for calls that have ended, by a step that came once more
   * after the read model had let go of them. Where that fails, the end of the attempt releases it.
   */
  async #release({ reserved = [], fresh = [], offset }: Received, live: Live | undefined, isRefused: boolean): Promise<void> {
    const journalOf = ({ node_id }: Reservation) => live?.execution.journals.get(node_id);
    const isUnderWay = (one: Reservation): boolean => journalOf(one)?.reservations.has(one.key) === true;
    const isBegun = (one: Reservation): boolean => journalOf(one)?.calls.get(one.key)?.begunBy === one.command_id;
    const idle = reserved.filter((one) => (isRefused && !isBegun(one)) || (fresh.includes(one) && !isUnderWay(one)));
    if (idle.length === 0) return;
    await this.desk
      .release(idle)
      .catch((error: unknown) => this.logger.warn({ err: error, partition: this.partition, offset }, 'reservations for calls that are not under way stay for now'));
  }

  #follow(recording: Recording, command: ExecutionCommand, workflow: Workflow): Wait {
    for (;;) {
      const { live } = recording;
      if (!live) return undefined;
      const step = next(live.execution, workflow);
      if (step.kind === 'idle') return undefined;
      const added = step.kind === 'events' ? recording.add(step.events) : this.#evaluate(step.pending, live, recording, command);
      const wait = added ?? breathe();
      if (wait) return wait.then(() => this.#follow(recording, command, workflow));
    }
  }

  #evaluate(pending: readonly Evaluation[], live: Live, recording: Recording, command: ExecutionCommand): Wait {
    let nth = 0;
    for (const evaluation of pending) {
      const outcome = outcomeAtOnce(live, evaluation);
      if (!outcome) return this.#evaluateLater(pending.slice(nth), live, recording, command);
      const wait = recording.add(settle(evaluation, outcome, live.workflow, command.at)) ?? breathe();
      nth++;
      if (wait) return wait.then(() => this.#evaluateLater(pending.slice(nth), live, recording, command));
    }
    return undefined;
  }

  async #evaluateLater(pending: readonly Evaluation[], live: Live, recording: Recording, command: ExecutionCommand): Promise<undefined> {
    for (const evaluation of pending) {
      const outcome = await outcomeOf(live, evaluation, command, this.desk.stored);
      await recording.add(settle(evaluation, outcome, live.workflow, command.at));
      await breathe();
    }
  }

  /** With a result that does not count, what was begun on it is refused; unless the record says that it was begun before. Of an attempt whose `start` is refused no report is expected. */
  #refuse(command: ExecutionCommand, rejection: Rejection, start?: CommandOf<'StartNode'>): void {
    const intent = intentOf(command);
    const live = this.desk.residents.get(command.executionId);
    const again = intent && live ? decideIntent(intent, command as CommandOf<'CompleteNode'>, live.execution, live.workflow) : rejection;
    for (const followUp of [refusal(start ?? command, rejection), intent && isRejection(again) ? refusal(intent, again) : undefined]) if (followUp) this.desk.outbox.say(followUp);
  }

  /** Carried out before, or a reminder: the answer, or the task, goes out once more. */
  async #repeat(command: ExecutionCommand, live: Live): Promise<void> {
    if (command.type === 'RemindNode') {
      const task = taskFor(live, command.node, command.at, this.desk.legs);
      if (task) this.desk.outbox.say({ task: await withStoredJournal(task, this.desk.stored) });
      return;
    }
    if (command.replyTo === undefined || command.type === 'TakeStep') return;
    const { id: executionId, version } = live.execution;
    this.desk.outbox.say({ instance: command.replyTo, reply: { type: 'unchanged', commandId: command.id, executionId, version } });
  }
}

const refusal = ({ id: commandId, executionId, workspaceId, replyTo }: ExecutionCommand, rejection: Rejection): FollowUp | undefined =>
  replyTo === undefined ? undefined : { instance: replyTo, reply: { type: 'refused', commandId, executionId, workspaceId, rejection } };

const accepted = ({ id: commandId, replyTo: instance }: ExecutionCommand, live: Live | undefined): FollowUp | undefined =>
  live && instance !== undefined ? { instance, reply: { type: 'accepted', commandId, executionId: live.execution.id, version: live.execution.version } } : undefined;

const unknown = (command: ExecutionCommand): Rejection =>
  command.type === 'CreateExecution'
    ? refuse(command, undefined, 'NotFound', 'workflow_version_unknown', `there is no workflow version '${command.created.workflow_version_id}'`)
    : refuse(command, undefined, 'NotFound', 'execution_unknown', 'there is none');

const bodiless = (command: ExecutionCommand, digest: string): Rejection =>
  refuse(command, undefined, 'InvalidState', 'artifact_missing', `body '${digest}' is not in the artifact store: send it again`);

const lacksSource = ({ command, reused, isEarly }: Received): boolean =>
  isEarly === true || (command.type === 'CreateExecution' && (command.reuse?.length ?? 0) > 0 && reused === undefined);

const unreadable = (command: ExecutionCommand): Rejection =>
  refuse(command, undefined, 'InvalidState', 'source_unreadable', 'what it takes over is not in the read model at present: try again later');

import { compile, delayUntil, evaluate, openGate, type PinnedAgents, runPure, type Workflow, type WorkflowDefinition } from '@runlog/workflow';
import type { CommandOf, ExecutionCommand, InheritedEffect, Reuse } from '../commands.js';
import { type Decision, decide } from '../decide.js';
import { decideBegins } from '../decide-steps.js';
import type { EventType, ExecutionEvent } from '../events.js';
import { type Applied, evolve } from '../evolve.js';
import type { Execution } from '../execution.js';
import type { Json } from '../ids.js';
import { decideIntent, intentOf } from '../leg.js';
import { type Evaluation, next } from '../next.js';
import { isRejection } from '../refusal.js';
import type { Rejection } from '../rejection.js';
import { adoptOutputs, outputsToFetch } from '../reuse.js';
import { scopeOf } from '../scope.js';
import { type Outcome, settle } from '../settle.js';
import { startOf } from '../starts.js';
import { createdWith } from './created-with.js';

export const executionId = '01890a5d-ac96-7b6e-8000-0000000000e1';
const workspaceId = '01890a5d-ac96-7b6e-8000-0000000000a1';
const epoch = Date.UTC(2026, 0, 1);

/** Every command but what the scenario fills in itself. */
type Bare<Command> = Command extends ExecutionCommand ? Omit<Command, 'id' | 'executionId' | 'workspaceId' | 'at'> & { readonly id?: string; readonly at?: number } : never;

/** One execution in memory, driven by commands as the engine drives it: decide, evolve, next, evaluate, settle. */
export class Scenario {
  execution: Execution | undefined;
  /** Everything recorded, in order. */
  readonly history: Applied[] = [];
  /** Starts that reports carried in vain. */
  readonly refusedIntents: Rejection[] = [];
  /** What the latest step's calls were refused with. */
  refusedStep: Rejection | undefined;
  private commands = 0;
  private fetched: (readonly [string, Json])[] = [];
  /** What the next evaluations give, instead of what their expressions say. */
  evaluations: Outcome[] = [];
  /** Milliseconds since the scenario began; commands happen then. */
  clock = 0;

  private constructor(readonly workflow: Workflow) {}

  static of(definition: Partial<WorkflowDefinition>, agents: PinnedAgents = {}): Scenario {
    return new Scenario(compile('version-1', { key: 'w', name: 'W', nodes: [], edges: [], ...definition }, agents));
  }

  now(): number {
    return epoch + this.clock;
  }

  /** A replay: takes the outputs that its engine would fetch from `outputs`. */
  async replayed(
    reuse: readonly Reuse[],
    outputs: ReadonlyMap<string, Json>,
    change: Record<string, unknown> = {},
    inherited: readonly InheritedEffect[] = [],
  ): Promise<ExecutionEvent[]> {
    this.fetched = outputsToFetch(reuse, this.workflow).map(({ node }) => [node, outputs.get(node) ?? null]);
    return this.accepted({ type: 'CreateExecution', created: { ...created, ...change } as never, reuse, inherited });
  }

  /** Creates and starts the execution; `change` overrides members of ExecutionCreated. */
  async created(change: Record<string, unknown> = {}): Promise<this> {
    await this.accepted({ type: 'CreateExecution', created: { ...created, ...change } as never });
    return this;
  }

  /** Carries a command out and gives the events that it caused, or the rejection. */
  async when(bare: Bare<ExecutionCommand>): Promise<ExecutionEvent[] | Rejection> {
    const command = { id: `command-${++this.commands}`, executionId, workspaceId, at: this.now(), ...bare } as ExecutionCommand;
    const before = this.history.length;
    const decision = this.decided(command);
    if (!isRejection(decision)) this.record(decision, command);
    const intent = this.intend(bare);
    if (isRejection(intent)) this.refusedIntents.push(intent);
    if (isRejection(decision)) return decision;
    if (!isRejection(intent)) this.record(intent, command);
    if (command.type === 'TakeStep' && this.execution) {
      const { events, refused } = decideBegins(command, this.execution, this.workflow);
      this.refusedStep = refused;
      this.record(events, command);
    }
    await this.proceed(command);
    return this.history.slice(before);
  }

  /** Of a report that stands for its start too, that one comes first. */
  private decided(command: ExecutionCommand): Decision {
    const start = startOf(command);
    if (!start) return decide(command, this.execution, this.workflow);
    const started = decide(start, this.execution, this.workflow);
    if (isRejection(started)) return started;
    this.record(started, { ...command, at: start.at } as ExecutionCommand);
    const reported = decide(command, this.execution, this.workflow);
    if (isRejection(reported)) throw new Error(reported.because);
    return reported;
  }

  /** What is decided on the start that a report carries; nothing where it carries none. */
  intend(bare: Bare<ExecutionCommand>): Decision {
    const report = { id: `command-${this.commands}`, executionId, workspaceId, at: this.now(), ...bare } as CommandOf<'CompleteNode'>;
    const intent = intentOf(report);
    return intent && this.execution ? decideIntent(intent, report, this.execution, this.workflow) : [];
  }

  /** As `when`, but a rejection fails the test. */
  async accepted(bare: Bare<ExecutionCommand>): Promise<ExecutionEvent[]> {
    const result = await this.when(bare);
    if (isRejection(result)) throw new Error(result.because);
    return result;
  }

  /** As `when`, but anything other than a rejection fails the test. */
  async refused(bare: Bare<ExecutionCommand>): Promise<Rejection> {
    const result = await this.when(bare);
    if (!isRejection(result)) throw new Error(`Expected a rejection, but got ${types(result).join(', ') || 'no event'}`);
    return result;
  }

  /** Starts the node's latest attempt on a runner. */
  start(node: string, runner = 'r1'): Promise<ExecutionEvent[]> {
    return this.accepted({ type: 'StartNode', node, attempt: this.attempt(node), runner });
  }

  complete(node: string, output: Json = null, runner = 'r1'): Promise<ExecutionEvent[]> {
    return this.accepted({ type: 'CompleteNode', node, attempt: this.attempt(node), runner, output });
  }

  fail(node: string, code = 'broken', retryable = true, runner = 'r1'): Promise<ExecutionEvent[]> {
    return this.accepted({ type: 'FailNode', node, attempt: this.attempt(node), runner, error: { code, message: 'it broke', retryable } });
  }

  attempt(node: string): number {
    return this.execution?.nodes.get(node)?.attempt ?? 0;
  }

  status(node?: string): string | undefined {
    return node === undefined ? this.execution?.status : (this.execution?.nodes.get(node)?.status ?? 'idle');
  }

  private async proceed(command: ExecutionCommand): Promise<void> {
    for (;;) {
      if (!this.execution) return;
      const due = next(this.execution, this.workflow);
      if (due.kind === 'idle') return;
      if (due.kind === 'events') this.record(due.events, command);
      else for (const one of due.pending) this.record(settle(one, await this.evaluate(one, command), this.workflow, command.at), command);
    }
  }

  private async evaluate(one: Evaluation, command: ExecutionCommand): Promise<Outcome> {
    const given = this.evaluations.shift();
    if (given) return given;
    const execution = this.execution as Execution;
    const seed = { at: command.at, commandId: command.id };
    const scope = scopeOf(execution, this.workflow, one.node);
    if (one.purpose === 'output') return { output: await evaluate(this.workflow.definition.output ?? 'null', scope, seed) };
    const node = this.workflow.nodes.get(one.node);
    if (!node) throw new Error(`no node ${one.node}`);
    if (one.purpose === 'pure') return runPure(node, scope, seed);
    if (one.purpose === 'delay') {
      const end = await delayUntil(node, scope, seed);
      return 'error' in end ? end : { output: { until: end.until } };
    }
    const opened = await openGate(node, scope, seed);
    return 'error' in opened ? opened : { output: opened.gate as unknown as Json };
  }

  private record(events: readonly ExecutionEvent[], command: ExecutionCommand): void {
    for (const event of events) {
      const version = (this.execution?.version ?? 0) + 1;
      const applied = { ...event, executionId, workspaceId, version, at: command.at, commandId: command.id, more: false } as Applied;
      this.execution = evolve(this.execution, applied, this.workflow);
      if (event.type === 'NodeReused') adoptOutputs(this.execution, this.fetched);
      this.history.push(applied);
    }
  }
}

/** The types of events, for short assertions. */
export const types = (events: readonly ExecutionEvent[] | Rejection): EventType[] => (isRejection(events) ? [] : events.map((event) => event.type));

const created = createdWith({ workflow_id: 'w1', pod_id: 'p1', created_by: 'user:ann', key: 'w_1', name: 'W 1', actions_count: 0 });

const START = 'start_of_workflow';

/** Shorthand for definitions: `chain(['a', 'code'], ['b', 'transform', {expression: '1'}])` joins nodes in a row from the start. */
export const chain = (...nodes: [id: string, type: string, config?: Record<string, Json>, rest?: object][]): Partial<WorkflowDefinition> => ({
  nodes: nodes.map(([id, type, config, rest]) => node(id, type, config, rest)),
  edges: nodes.map(([id], i) => ({ from: nodes[i - 1]?.[0] ?? START, to: id })),
});

export const node = (id: string, type: string, config: Record<string, Json> = {}, rest: object = {}) => ({
  id,
  type,
  name: id,
  config: type === 'code' ? { source: 'return 1;', ...config } : config,
  ...rest,
});

export const edge = (from: string, to: string, branch?: string) => ({ from, to, ...(branch === undefined ? {} : { branch }) });

import type { CallGate, CallIntent, JournalEntry, Json } from '@runlog/execution';
import { canonical, nearest, validateJson } from '@runlog/workflow';
import { type NodeContext, NodeFailure, terminal } from '../kinds/node-kind.js';
import { parseBounded } from '../plain-json.js';
import type { Agency } from './agency.js';
import { type Journal, nthTry } from './journal.js';
import type { CallPart, CallResult, Image } from './models/conversation.js';
import { asShown, sha256Of } from './shown-arguments.js';
import type { Telling } from './telling.js';
import type { Tool, ToolResult } from './tools/tool.js';
import { tracedCall } from './traced-call.js';

/** More calls in one answer are not made. */
const MAX_PARALLEL = 32;
/** So many calls that can't be made in one attempt: the model does not learn from what it is told. */
const MAX_REFUSED = 25;
/** What a model is shown of a tool's output. */
const MAX_OUTPUT_CHARS = 64_000;
const MAX_SUMMARY_CHARS = 200;

/** What a call may come to, as the journal keeps it. */
interface ToolReceipt {
  readonly output: Json;
  readonly is_error: boolean;
  readonly images?: readonly Image[];
}

/** A call, and what is to be done about it. */
type Plan =
  | { readonly part: CallPart; readonly receipt: ToolReceipt }
  | { readonly part: CallPart; readonly asks: CallGate }
  | { readonly part: CallPart; readonly tool: Tool; readonly args: Json; readonly key: string; readonly target: string; readonly repeats: number; readonly sha256: string };

type Run = Extract<Plan, { tool: Tool }>;

/** Carries out the tool calls of one answer: all that may run side by side, then people are asked about the others. */
export class ToolTurns {
  #refused = 0;

  constructor(
    private readonly context: NodeContext,
    private readonly agency: Agency,
    private readonly journal: Journal,
    private readonly telling: Telling,
    private readonly tools: readonly Tool[],
    private readonly agentName: string,
  ) {}

  /** Results in the order of the calls. `key`: of the model call that asks for them. */
  async results(key: string, parts: readonly CallPart[]): Promise<readonly CallResult[]> {
    const plans = await Promise.all(parts.map((part, index) => this.#plan(`${key}.t${index + 1}`, part, index)));
    const runs = plans.filter((plan): plan is Run => 'tool' in plan);
    const receipts = new Map<Plan, ToolReceipt>();
    if (runs.length > 0) {
      await this.agency.steps.begin(runs.map(intentOf));
      await allOf(runs.map(async (run) => void receipts.set(run, await this.#run(run))));
    }
    const asks = plans.flatMap((plan) => ('asks' in plan ? [plan.asks] : []));
    if (asks.length > 0) {
      await this.telling.told();
      await this.agency.steps.park(asks);
    }
    if (this.#refused > MAX_REFUSED)
      throw terminal(
        'tool_calls_invalid',
        `Expected the model to call tools that agent '${this.agentName}' has, with arguments that fit, but ${this.#refused} of its calls could not be made`,
      );
    return plans.map((plan) => resultOf(plan.part, 'receipt' in plan ? plan.receipt : (receipts.get(plan) as ToolReceipt)));
  }

  async #plan(key: string, part: CallPart, index: number): Promise<Plan> {
    const tries = this.journal.tries(key);
    const recorded = tries.find(({ standing }) => standing === 'recorded');
    if (recorded) return { part, receipt: recorded.receipt as unknown as ToolReceipt };
    if (index >= MAX_PARALLEL) return this.#refuse(part, `Only ${MAX_PARALLEL} calls may be made at a time`);
    const tool = this.tools.find(({ name }) => name === part.name);
    if (!tool) return this.#refuse(part, this.#unknown(part.name));
    let args: Json;
    try {
      args = parseBounded(part.text.trim() === '' ? '{}' : part.text);
    } catch (error) {
      return this.#refuse(part, `Expected the arguments of '${part.name}' to be JSON, but ${(error as Error).message}`);
    }
    const problems = validateJson(tool.inputSchema, args);
    if (problems.length > 0) {
      const told = problems.slice(0, 10).map(({ pointer, detail }) => `${pointer === '' ? '' : `${pointer}: `}${detail}`);
      return this.#refuse(part, `The arguments of '${part.name}' do not fit: ${told.join('; ')}`);
    }
    return this.#decided(key, part, tool, args, tries);
  }

  async #decided(key: string, part: CallPart, tool: Tool, args: Json, tries: readonly Omit<JournalEntry, 'receipt_ref'>[]): Promise<Plan> {
    const { task } = this.agency;
    const text = canonical(args);
    const sha256 = sha256Of(text);
    const [first] = tries;
    const last = tries.at(-1);
    const begun = tries.filter(({ standing }) => standing === 'begun').length;
    const run = (nth: number): Plan => {
      // What people saw is what is done, or nothing is.
      const isOther = tool.needsApproval !== null && !tries.some(({ gate: decided, arguments_sha256 }) => decided && arguments_sha256 === sha256);
      if (isOther) return this.#refuse(part, `People have approved other arguments of '${part.name}' than these`);
      return { part, tool, args, sha256, key: nthTry(key, nth), target: `${task.idempotencyKey}:${key}`, repeats: begun };
    };
    const gate = (kind: CallGate['kind'], rules: { readonly [member: string]: Json }): Plan => ({
      part,
      asks: { key: last?.key ?? key, kind, name: tool.name, arguments_sha256: sha256, rules: rules as unknown as CallGate['rules'] },
    });
    if (tool.ask) return first?.gate ? { part, receipt: { output: first.gate.answer, is_error: false } } : gate('question', await tool.ask(args));
    if (!last || last.standing === 'asked') {
      if (!tool.needsApproval) return run(tries.length + (last ? 0 : 1));
      if (!last?.gate) return gate('approval', { ...tool.needsApproval, prompt: approvalPrompt(tool, this.agentName, text, sha256) });
      return last.gate.decision === 'approve' ? run(tries.length) : { part, receipt: { output: rejection(last.gate), is_error: true } };
    }
    // Begun, and nobody knows what came of it.
    if (tool.onUnknown === 'repeat') return run(tries.length + 1);
    // An approval is about beginning it, not about what became of it.
    const told = last.gate?.decision === 'approve' ? undefined : last.gate;
    if (!told)
      return gate('effect', {
        prompt: `'${tool.name}' may have had its effect with ${asShown(text)}: its runner was lost. Find out, then answer 'done' with what it gave, 'repeat', or 'fail'`,
      });
    if (told.decision === 'repeat') return run(tries.length + 1);
    return told.decision === 'done'
      ? { part, receipt: { output: told.answer, is_error: false } }
      : { part, receipt: { output: 'Nobody knows whether the call had its effect, and it is not to be repeated', is_error: true } };
  }

  async #run({ part, tool, args, key, target, repeats }: Run): Promise<ToolReceipt> {
    const { context, telling, journal } = this;
    const { signal, scope, log, secrets, conceal, egress, sandbox, mcp } = context;
    telling.tell({ kind: 'tool_start', id: key, name: tool.name });
    const began = performance.now();
    const deadline = AbortSignal.timeout(tool.timeoutMs);
    let result: ToolResult;
    let failure: NodeFailure | undefined;
    try {
      const traced = tracedCall(this.agency.task, key);
      result = await tool.call(args, {
        signal: AbortSignal.any([signal, deadline]),
        scope,
        log,
        secrets,
        conceal,
        egress,
        sandbox,
        mcp,
        idempotencyKey: target,
        repeats,
        ...traced,
      });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      failure = error instanceof NodeFailure ? error : deadline.aborted ? terminal('tool_timed_out', `'${tool.name}' took longer than ${tool.timeoutMs} ms`) : unexpected(error);
      result = { output: `${failure.code}: ${failure.message}`, isError: true };
    }
    const ms = Math.round(performance.now() - began);
    const isError = result.isError === true;
    log(isError ? 'warn' : 'info', `Tool '${tool.name}' ${isError ? 'failed' : 'ended'} after ${ms} ms`, { call: key, id: part.id, ms });
    const images = (result.pictures ?? []).map(({ mediaType, base64 }) => ({ media_type: mediaType, data: base64 }));
    const receipt: ToolReceipt = { output: cut(result.output), is_error: isError, ...(images.length > 0 ? { images } : {}) };
    const error = failure ? { error: { code: failure.code, message: failure.message, retryable: failure.retryable } } : {};
    const kept = (await journal.record({ key, receipt: receipt as unknown as Json, ...error })) as unknown as ToolReceipt;
    const summary = this.agency.redaction.text(result.summary ?? '').slice(0, MAX_SUMMARY_CHARS);
    telling.tell({ kind: 'tool_end', id: key, name: tool.name, ...(summary === '' ? {} : { summary }) });
    return kept;
  }

  #refuse(part: CallPart, because: string): Plan {
    this.#refused++;
    this.context.log('warn', `A tool call was refused: ${because.slice(0, 500)}`, { tool: part.name.slice(0, 64), id: part.id });
    return { part, receipt: { output: because, is_error: true } };
  }

  #unknown(name: string): string {
    const names = this.tools.map((tool) => tool.name);
    const meant = nearest(name, names);
    const known = names.length === 0 ? 'none' : names.map((one) => `'${one}'`).join(', ');
    return `Expected the name of a tool, but there is no '${name.slice(0, 64)}'${meant === undefined ? '.' : `; did you mean '${meant}'?`} There are: ${known}`;
  }
}

const intentOf = ({ key, tool, sha256 }: Run): CallIntent => ({ key, kind: 'tool', name: tool.name, reserve_nano_usd: null, arguments_sha256: sha256 });

/** Like `Promise.all`, but nothing is left running when it rejects. */
const allOf = async (work: readonly Promise<void>[]): Promise<void> => {
  for (const outcome of await Promise.allSettled(work)) if (outcome.status === 'rejected') throw outcome.reason;
};

const resultOf = ({ id, name }: CallPart, { output, is_error, images = [] }: ToolReceipt): CallResult => ({ id, name, output, isError: is_error, images });

const unexpected = (error: unknown): NodeFailure =>
  new NodeFailure({ code: 'internal', message: error instanceof Error ? error.message : String(error), retryable: true }, { cause: error });

const approvalPrompt = ({ name, needsApproval }: Tool, agent: string, args: string, sha256: string): string =>
  `${typeof needsApproval?.prompt === 'string' ? needsApproval.prompt : `May agent '${agent}' call '${name}'?`}\n\n${name} ${asShown(args)}\nsha256 ${sha256}`;

/** As the model is told. A gate that expired says who decided, too. */
const rejection = ({ by, comment }: { readonly by: string; readonly comment: string | null }): string =>
  by === 'system:gate_expired' ? 'Nobody has approved this call in time' : `People have rejected this call${comment === null ? '' : `: ${comment}`}`;

/** Output that a model can bear. */
const cut = (output: Json): Json => {
  const text = typeof output === 'string' ? output : JSON.stringify(output);
  if (text.length <= MAX_OUTPUT_CHARS) return output;
  return `${text.slice(0, MAX_OUTPUT_CHARS).toWellFormed()}\n[cut: ${text.length - MAX_OUTPUT_CHARS} of ${text.length} characters are left out]`;
};

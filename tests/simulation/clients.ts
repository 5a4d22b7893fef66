import type { ArtifactStore } from '@runlog/artifacts';
import { AcceptedEvents, type DecodedEvent, decodeJson, type EventLog, encodeJson, partitionOf } from '@runlog/event-log';
import { type CreatedData, createdWith, type ExecutionCommand, type Reply } from '@runlog/execution';
import { heavyChars } from './body-checks.js';
import { BudgetPeople } from './budget-people.js';
import { FollowOns } from './follow-ons.js';
import type { QueuePeople } from './queue-people.js';
import type { Random } from './random.js';
import type { Tables } from './tables.js';
import type { VirtualTime } from './virtual-time.js';
import { type WorkflowKey, workflowId, workspaceId } from './workflows.js';

/** What a client asked for and what it was told. It never crashes and forgets nothing. */
export interface Asked {
  readonly command: ExecutionCommand;
  /** Seen on the event stream. */
  accepted: boolean;
  refused: string | null;
}

const clientName = 'client';

/** Creates, answers, cancels; sends everything once to three times, and writes down what it sees. */
export class Clients {
  readonly asked = new Map<string, Asked>();
  readonly executions: string[] = [];
  /** Events as a tail of the log shows them, in the order seen. */
  readonly seen: DecodedEvent[] = [];
  readonly ended = new Set<string>();
  readonly #rules = new Map<number, AcceptedEvents>();
  readonly #followOns: FollowOns;
  readonly budgets: BudgetPeople;
  #ids = 0;
  /** Repeats that are still to come. */
  #later = 0;

  constructor(
    private readonly log: EventLog,
    private readonly time: VirtualTime,
    private readonly random: Random,
    private readonly queues: QueuePeople,
    private readonly artifacts: ArtifactStore,
    tables: Tables,
    followUntilMs: number,
  ) {
    const desk = { ask: this.#ask.bind(this), newId: this.#uuid.bind(this), expect: (id: string) => void (this.executions.includes(id) || this.executions.push(id)) };
    this.#followOns = new FollowOns(desk, tables, time, random.fork(), followUntilMs);
    this.budgets = new BudgetPeople(tables, random.fork());
  }

  get areDone(): boolean {
    return this.#later === 0 && this.executions.every((id) => this.ended.has(id));
  }

  async start(keys: readonly WorkflowKey[], withinMs: number): Promise<void> {
    await this.log.tail({
      topic: 'command-replies',
      start: async () => 0,
      onBatch: async ({ records }) => {
        for (const record of records) if (record.key === clientName) this.#told(decodeJson<Reply>(record));
      },
    });
    await this.log.tail({
      topic: 'execution-events',
      start: async () => 0,
      onBatch: async ({ partition, records }) => {
        const rule = this.#rules.get(partition) ?? new AcceptedEvents();
        this.#rules.set(partition, rule);
        for (const record of records) {
          const accepted = rule.accept(record);
          if (accepted) this.#see(accepted.event);
        }
      },
    });
    this.queues.start();
    for (const key of keys) {
      const executionId = this.#uuid();
      this.executions.push(executionId);
      this.time.after(this.random.between(0, withinMs), () => this.#create(executionId, key));
    }
  }

  #create(executionId: string, key: WorkflowKey): void {
    const created = createdWith({
      pod_id: 'pod',
      created_by: 'user:starter',
      key: 'w_1',
      name: 'W 1',
      cancel_grace_seconds: 3,
      actions_count: 3,
      workflow_version_id: key,
      workflow_id: workflowId(key),
      input: { even: this.random.chance(0.5) },
      run_timeout_seconds: key === 'timed' ? this.random.whole(2, 6) : null,
      ...this.queues.admission(),
      ...(/^agents?$/.test(key) ? { budget_nano_usd: this.random.pick([null, '2500', '6000']) } : {}),
    });
    if (key === 'heavy') void this.#createHeavy(executionId, created);
    else this.#ask({ type: 'CreateExecution', executionId, created });
    if (this.random.chance(0.12)) this.#cancel(executionId, 20, 4_000);
  }

  /** Its input is stored first, as the gateway does it. */
  async #createHeavy(executionId: string, created: CreatedData): Promise<void> {
    for (;;)
      try {
        const reference = await this.artifacts.put(workspaceId, JSON.stringify({ even: true, pad: `${executionId}${'y'.repeat(heavyChars)}` }));
        return this.#ask({ type: 'CreateExecution', executionId, created: { ...created, input: null, input_ref: { ...reference } } });
      } catch {
        await new Promise((again) => setTimeout(again, 50));
      }
  }

  #cancel(executionId: string, afterMs: number, beforeMs: number): void {
    this.time.after(this.random.between(afterMs, beforeMs), () => this.#ask({ type: 'CancelExecution', executionId, by: 'user:ann', reason: 'enough' }));
  }

  #see(event: DecodedEvent): void {
    this.seen.push(event);
    const asked = this.asked.get(event.commandId);
    if (asked) asked.accepted = true;
    if (/^Execution(Completed|Failed|Rejected|Cancelled)$/.test(event.type)) this.ended.add(event.executionId);
    if (event.type === 'ExecutionStarted' && this.random.chance(0.06)) this.#cancel(event.executionId, 1, 300);
    // Of a call that expires they may say nothing.
    if (event.type === 'ApprovalRequested' && !(event.data.call && event.data.expires_at !== null && this.random.chance(0.4)))
      this.#answer(event.executionId, event.data.gate_id, event.data.approvers?.needed === 2);
    if (event.type === 'BudgetExhausted') this.#raise(event.executionId, event.data.gate_id, event.data.scope === 'workspace');
    if (event.type === 'QuestionRequested') this.#answer(event.executionId, event.data.gate_id, false);
    this.#followOns.see(event);
  }

  /** Several people at once, who do not agree; and, late enough, one who does. */
  #answer(executionId: string, gate: string, together: boolean): void {
    const people = together ? ['ann', 'bob', 'cid'] : this.random.pick([['ann'], ['ann', 'bob'], ['ann', 'bob', 'cid']]);
    const first = this.random.between(5, 6_000);
    for (const by of people) {
      const decision = together || this.random.chance(0.7) ? 'approve' : 'reject';
      this.time.after(first + (this.random.chance(0.5) ? this.random.between(0, 5) : this.random.between(0, 3_000)), () =>
        this.#ask({ type: 'Respond', executionId, gate, decision, answer: 42, by: `user:${by}`, roles: [] }),
      );
    }
  }

  /** At times by too little, or not at all; and, late enough, by what suffices. */
  #raise(executionId: string, gate: string, isShared: boolean): void {
    const say = (decision: string, usd: number, beforeMs: number): void =>
      void this.time.after(this.random.between(beforeMs / 2, beforeMs), () => {
        if (isShared && decision === 'raise') this.budgets.raise(BigInt(Math.round(usd * 1e9)));
        this.#ask({ type: 'Respond', executionId, gate, decision, answer: { budget_usd: usd }, by: 'user:ann', roles: [] });
      });
    if (this.random.chance(0.1)) say('fail', 1, 3_000);
    if (this.random.chance(0.6)) say('raise', this.random.pick([0.000_002, 0.000_008]), 2_000);
    say('raise', 0.001, 6_000);
  }

  #told(reply: Reply): void {
    if (reply.type !== 'refused') return;
    const asked = this.asked.get(reply.commandId);
    if (asked) asked.refused = reply.rejection.rejected;
  }

  #ask(rest: { type: ExecutionCommand['type']; executionId: string } & Record<string, unknown>): void {
    const command = { ...rest, id: `ask-${++this.#ids}`, workspaceId, at: Date.now(), replyTo: clientName } as unknown as ExecutionCommand;
    this.asked.set(command.id, { command, accepted: false, refused: null });
    const partition = partitionOf(command.executionId, this.log.partitions('execution-commands'));
    const send = (): void => void this.log.send([{ topic: 'execution-commands', partition, records: [encodeJson(command.executionId, command)] }]).catch(() => undefined);
    send();
    for (let repeats = this.random.pick([0, 0, 0, 1, 2]); repeats > 0; repeats--) {
      this.#later++;
      this.time.after(this.random.chance(0.5) ? this.random.between(0, 10) : this.random.between(0, 8_000), () => {
        this.#later--;
        send();
      });
    }
  }

  /** UUIDv7 of now, mostly; some come from a gateway whose clock is behind. */
  #uuid(): string {
    const at = this.time.epoch + Math.floor(this.time.now) + this.random.whole(-50, 0) - (this.random.chance(0.1) ? 60_000 : 0);
    const hex = (digits: number): string =>
      Math.floor(this.random.next() * 16 ** digits)
        .toString(16)
        .padStart(digits, '0');
    const stamp = at.toString(16).padStart(12, '0');
    return `${stamp.slice(0, 8)}-${stamp.slice(8)}-7${hex(3)}-8${hex(3)}-${hex(6)}${hex(6)}`;
  }
}

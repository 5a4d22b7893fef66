import { type DecodedEvent, type EventLog, encodeJson, partitionOf } from '@runlog/event-log';
import type { ExecutionCommand } from '@runlog/execution';
import type { StoredBodies } from './executions/stored-bodies.js';
import { Problem, refused } from './http/problem.js';
import type { Replies } from './replies.js';
import type { Tail } from './tail.js';

/** What became of a command. `recorded`: it changed something; its events were seen in the tail. `unchanged`: it had been carried out before. */
export interface Outcome {
  readonly kind: 'recorded' | 'unchanged';
  /** The execution's version that the command led to. */
  readonly version: number;
}

const DECIDED_WITHIN_MS = 30_000;
/** What a command says besides stored bodies must fit an event. */
const COMMAND_LIMIT = 900 * 1024;

/**
 * Sends commands and waits until each is decided: success is seen in the tail by command id, a refusal arrives as a reply. At most
 * `limit` commands per partition await their outcome; above it callers are told to come back.
 */
export class Commands {
  private readonly outstanding = new Map<number, number>();

  constructor(
    private readonly log: EventLog,
    private readonly tail: Tail,
    private readonly replies: Replies,
    private readonly bodies: StoredBodies,
    private readonly limit = 4096,
  ) {}

  get outstandingCount(): number {
    return [...this.outstanding.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Throws a problem: refused, too many outstanding, or not decided within 30 s (it still may be, later). */
  async send(command: ExecutionCommand): Promise<Outcome> {
    const level = this.tail.caughtUp();
    if (level !== true)
      throw new Problem('unavailable', 'starting', `Expected to see what becomes of a command, but this gateway is ${level}`, { headers: { 'Retry-After': '1' } });
    const record = encodeJson(command.executionId, { ...(await this.bodies.stored(command)), replyTo: this.replies.inbox });
    const bytes = Buffer.byteLength(record.value);
    if (bytes > COMMAND_LIMIT)
      throw new Problem('too_large', 'record_too_large', `Expected what is asked for to take at most ${COMMAND_LIMIT} bytes as JSON, but they take ${bytes}`);
    const partition = partitionOf(command.executionId, this.log.partitions('execution-commands'));
    const before = this.outstanding.get(partition) ?? 0;
    if (before >= this.limit)
      throw new Problem('unavailable', 'overloaded', `Expected fewer than ${this.limit} commands to await their outcome, but partition ${partition} has ${before}`, {
        headers: { 'Retry-After': '1' },
      });
    this.outstanding.set(partition, before + 1);
    const awaited = this.outcome(command);
    try {
      await this.log.send([{ topic: 'execution-commands', partition, records: [record] }]);
      return await awaited.outcome;
    } finally {
      awaited.forget();
      this.outstanding.set(partition, (this.outstanding.get(partition) ?? 1) - 1);
    }
  }

  private outcome(command: ExecutionCommand): { outcome: Promise<Outcome>; forget: () => void } {
    let forget = (): void => undefined;
    const outcome = new Promise<Outcome>((resolve, reject) => {
      const onEvents = (events: readonly DecodedEvent[]) => {
        const last = events.findLast(({ commandId }) => commandId === command.id);
        if (last) resolve({ kind: 'recorded', version: last.version });
      };
      const unwatch = this.tail.watch(command.executionId, onEvents);
      const unexpect = this.replies.expect(command.id, (reply) => {
        if (reply.type === 'refused') reject(refused(reply.rejection));
        else resolve({ kind: 'unchanged', version: reply.version });
      });
      const timer = setTimeout(() => reject(undecided(command)), DECIDED_WITHIN_MS);
      forget = () => {
        clearTimeout(timer);
        unwatch();
        unexpect();
      };
    });
    // While the command is being sent, or could not be, nobody waits for it.
    outcome.catch(() => undefined);
    return { outcome, forget };
  }
}

const undecided = (command: ExecutionCommand): Problem =>
  new Problem(
    'unavailable',
    'not_decided_yet',
    `Expected ${command.type} of '${command.executionId}' to be decided within ${DECIDED_WITHIN_MS / 1000} s, but it is not yet; it may still be`,
    {
      headers: { 'Retry-After': '1' },
    },
  );

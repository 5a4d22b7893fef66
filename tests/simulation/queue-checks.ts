import type { Fact } from './history.js';
import type { QueuePeople } from './queue-people.js';
import type { Tables } from './tables.js';

interface Holder {
  readonly queue: string;
  readonly key: string;
  isAdmitted: boolean;
}

/** Watches every event as it lands: admitted <= leases <= limit, always. What the log says alone decides who is admitted. */
export class QueueChecks {
  readonly #holders = new Map<string, Holder>();
  /** Where the log ended when the tables were lost: up to there they are built again. */
  #rebuilding: readonly number[] = [];

  constructor(
    private readonly tables: Tables,
    private readonly people: QueuePeople,
    private readonly complain: (check: string, because: string) => void,
  ) {}

  see({ executionId, type, data }: Fact): void {
    if (type === 'ExecutionQueued' && data.queue_name !== null)
      this.#holders.set(executionId, { queue: String(data.queue_name), key: String(data.concurrency_key ?? ''), isAdmitted: false });
    const holder = this.#holders.get(executionId);
    if (!holder) return;
    if (type === 'ExecutionStarted' || type === 'ExecutionResumed') {
      holder.isAdmitted = true;
      this.#count(holder);
    } else if (/^Execution(Suspended|Completed|Failed|Rejected|Cancelled)$/.test(type)) holder.isAdmitted = false;
    if (this.#isRebuilding) return;
    for (const [id, one] of this.#holders)
      if (one.isAdmitted && !this.tables.scheduler_leases.has(id)) this.complain('Q2', `'${id}' is admitted to queue '${one.queue}' without a lease`);
  }

  /** The tables are lost. */
  rebuild(ends: readonly number[]): void {
    this.#rebuilding = ends;
  }

  get #isRebuilding(): boolean {
    return this.#rebuilding.some((end, partition) => ((this.tables.scheduler_progress.get(partition)?.next_offset ?? 0) as number) < end);
  }

  #count({ queue, key }: Holder): void {
    const most = this.people.most.get(queue);
    const admitted = [...this.#holders.values()].filter((one) => one.queue === queue && one.isAdmitted);
    if (most && most.slots !== null && admitted.length > most.slots)
      this.complain('Q3', `${admitted.length} are admitted to queue '${queue}', which never had more than ${most.slots} slots`);
    const ofKey = admitted.filter((one) => one.key === key);
    if (most && key !== '' && ofKey.length > most.keySlots)
      this.complain('Q3', `${ofKey.length} are admitted with key '${key}' of queue '${queue}', which never had more than ${most.keySlots}`);
  }
}

/** When everything has ended nobody holds a slot, nobody waits, and the sums say so. */
export const queuesAtRest = (tables: Tables): string[] => [
  ...tables.overgranted.map((because) => `Q1: ${because}`),
  ...[...tables.scheduler_leases.keys()].map((id) => `Q4: '${id}' holds a slot, but it has ended`),
  ...[...tables.scheduler_waiting.keys()].map((id) => `Q4: '${id}' waits for a slot, but it has ended`),
  ...[...tables.scheduler_queues.values(), ...tables.scheduler_queue_keys.values()].flatMap(({ name, queue, key, held, waiting }) =>
    held === 0 && waiting === 0 ? [] : [`Q4: queue '${String(name ?? queue)}' (key '${String(key ?? '')}') says that ${String(held)} hold slots and ${String(waiting)} wait`],
  ),
];

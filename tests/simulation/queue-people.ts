import type { Server } from './database.js';
import type { Random } from './random.js';
import type { Row } from './tables.js';
import type { VirtualTime } from './virtual-time.js';
import { workspaceId } from './workflows.js';

/** What a create says of its queue. */
interface Admission {
  readonly queue_name: string | null;
  readonly concurrency_key: string | null;
  readonly priority: number;
  readonly queue_ttl_seconds?: number;
}

const strategies = ['queue', 'queue', 'round_robin', 'cancel_running', 'cancel_newest'] as const;

/** People who set the limits of queues, change them, pause and resume. In some seeds there are none. */
export class QueuePeople {
  readonly areThere: boolean;
  /** The most slots that a queue, and a key of it, ever had; null: without a limit. */
  readonly most = new Map<string, { slots: number | null; keySlots: number }>();

  constructor(
    private readonly server: Server,
    private readonly time: VirtualTime,
    private readonly random: Random,
    /** By then every queue is open again. */
    private readonly untilMs: number,
  ) {
    this.areThere = random.chance(0.5);
  }

  start(): void {
    if (!this.areThere) return;
    const { random, time } = this;
    for (const name of ['q1', 'q2'])
      if (random.chance(0.9)) {
        this.#set(name, {
          slots: random.whole(1, 3),
          key_slots: random.whole(1, 2),
          strategy: random.pick(strategies),
          ttl_seconds: random.chance(0.15) ? random.whole(3, 30) : null,
        });
        for (let changes = random.pick([0, 0, 1, 3]); changes > 0; changes--)
          time.after(random.between(100, this.untilMs), () =>
            this.#set(name, { slots: random.whole(1, 4), key_slots: random.whole(1, 2), ttl_seconds: random.chance(0.2) ? 5 : null }),
          );
        if (random.chance(0.3)) {
          const from = random.between(0, this.untilMs / 2);
          time.after(from, () => this.#set(name, { paused: true }));
          time.after(random.between(from, this.untilMs), () => this.#set(name, { paused: false }));
        }
      } else this.most.set(name, { slots: null, keySlots: 1 });
  }

  /** Of the next execution that is created. */
  admission(): Admission {
    const { random } = this;
    if (!this.areThere || random.chance(0.25)) return { queue_name: null, concurrency_key: null, priority: 0 };
    const ttl = random.chance(0.1) ? { queue_ttl_seconds: random.whole(1, 10) } : {};
    return { queue_name: random.pick(['q1', 'q1', 'q2']), concurrency_key: random.pick([null, 'k1', 'k1', 'k2']), priority: random.pick([0, 0, 3, -3]), ...ttl };
  }

  /** As whoever sets it does: under the lock of the queue, which a grant by the settings before has until it commits. */
  #set(name: string, settings: Row): void {
    const id = `${workspaceId} ${name}`;
    const lock = `queue ${id}`;
    this.server.lock(lock, () => {
      const { queues } = this.server.tables;
      const row: Row = { slots: null, key_slots: 1, strategy: 'queue', ttl_seconds: null, paused: false, ...queues.get(id), ...settings };
      queues.set(id, row);
      const { slots = 0, keySlots = 1 } = this.most.get(name) ?? {};
      const most = slots === null || row.slots === null ? null : Math.max(slots, row.slots as number);
      this.most.set(name, { slots: most, keySlots: Math.max(keySlots, row.key_slots as number) });
      this.server.unlock(lock);
    });
  }
}

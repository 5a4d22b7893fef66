import type { Line } from './line.js';
import { type Part, slotOf } from './requests.js';
import type { Wire } from './wire.js';

/** Requests under way to one broker at a time. Two, so that nobody waits for a slow write of somebody else alone, and a third writer shares. */
const linesPerBroker = 2;
const maxRequestBytes = 4 * 1_048_576;

interface Waiting extends Part {
  readonly bytes: number;
  readonly landed: (baseOffset: number) => void;
  readonly failed: (error: Error) => void;
}

/** Takes record batches to their partitions' leaders. What is due at the same moment, whoever it is from, goes out in one request. */
export class Courier {
  private readonly desks = new Map<number, Desk>();

  constructor(private readonly wire: Wire) {}

  /**
   * Resolves with the base offset of the part's one record batch. Rejects when the broker refuses it, or when the outcome is unknown; then nothing
   * that was under way with it is on any connection of this courier any more. Never sent twice.
   */
  async deliver(part: Part, bytes: number): Promise<number> {
    const nodeId = await this.wire.leader(part.topic, part.partition);
    let desk = this.desks.get(nodeId);
    if (!desk) this.desks.set(nodeId, (desk = new Desk(this.wire, nodeId)));
    return desk.add(part, bytes);
  }

  close(): void {
    for (const desk of this.desks.values()) desk.close();
  }
}

/** What goes to one broker. */
class Desk {
  private waiting: Waiting[] = [];
  private readonly free: Line[] = [];
  private readonly busy = new Set<Line>();
  private underWay = 0;
  private isDue = false;

  constructor(
    private readonly wire: Wire,
    private readonly nodeId: number,
  ) {}

  add({ topic, partition, records }: Part, bytes: number): Promise<number> {
    return new Promise((landed, failed) => {
      this.waiting.push({ topic, partition, records, bytes, landed, failed });
      if (this.isDue) return;
      this.isDue = true;
      setImmediate(() => {
        this.isDue = false;
        this.send();
      });
    });
  }

  close(): void {
    for (const line of [...this.free.splice(0), ...this.busy]) line.close();
  }

  private send(): void {
    while (this.waiting.length > 0 && this.underWay < linesPerBroker) {
      this.underWay++;
      void this.carry(this.take()).then(() => {
        this.underWay--;
        this.send();
      });
    }
  }

  /** As much as fits, at most one batch a partition. */
  private take(): Waiting[] {
    const taken: Waiting[] = [];
    const later: Waiting[] = [];
    const slots = new Set<string>();
    let bytes = 0;
    for (const one of this.waiting) {
      const slot = slotOf(one);
      if (slots.has(slot) || (taken.length > 0 && bytes + one.bytes > maxRequestBytes)) later.push(one);
      else {
        taken.push(one);
        bytes += one.bytes;
      }
      slots.add(slot);
    }
    this.waiting = later;
    return taken;
  }

  private async carry(parts: readonly Waiting[]): Promise<void> {
    let line: Line | undefined;
    try {
      line = this.free.pop() ?? (await this.wire.line(this.nodeId));
      this.busy.add(line);
      const outcomes = await line.produce(parts);
      this.busy.delete(line);
      this.free.push(line);
      parts.forEach(({ landed, failed }, index) => {
        const outcome = outcomes[index];
        if (typeof outcome === 'number' && outcome >= 0) landed(outcome);
        else failed(outcome instanceof Error ? outcome : new Error('it was acknowledged without an offset, which says nothing'));
      });
    } catch (error) {
      if (line) this.busy.delete(line);
      line?.close();
      for (const idle of this.free.splice(0)) idle.close();
      for (const { failed } of parts) failed(error as Error);
    }
  }
}

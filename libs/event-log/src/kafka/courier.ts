import type { Line } from './line.js';
import { type Part, slotOf } from './requests.js';
import type { Wire } from './wire.js';

/** Requests under way to one broker at a time. Two, so that nobody waits for a slow write of somebody else alone, and a third writer shares. */
const linesPerBroker = 2;
const maxRequestBytes = 4 * 1_048_576;

interface Waiting extends Part {
  readonly landed: (baseOffset: number) => void;
  readonly failed: (error: Error) => void;
}

/** Takes record batches to their partitions' leaders. What is due at the same moment, whoever it is from, goes out in one request. */
export class Courier {
  private readonly desks = new Map<number, Desk>();
  private readonly reached = new Map<string, number>();

  constructor(private readonly wire: Wire) {}

  /**
   * Resolves with the base offset of the part's one record batch; events land above all that were acknowledged before these left. Rejects when
   * the broker refuses it, or when the outcome is unknown; a connection that broke takes along all that was under way on it. Never sent twice.
   */
  async deliver(part: Part): Promise<number> {
    const nodeId = await this.wire.leader(part.topic, part.partition);
    let desk = this.desks.get(nodeId);
    if (!desk) this.desks.set(nodeId, (desk = new Desk(this.wire, nodeId, this.reached)));
    return desk.add(part);
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
    /** The highest base offset that was acknowledged, by partition of the events. Nobody asks where anything else landed. */
    private readonly reached: Map<string, number>,
  ) {}

  add({ topic, partition, records, bytes }: Part): Promise<number> {
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
      const before = parts.map((part) => this.reached.get(slotOf(part)) ?? -1);
      const outcomes = await line.produce(parts);
      this.busy.delete(line);
      this.free.push(line);
      parts.forEach((part, index) => {
        const outcome = landing(outcomes[index], before[index] as number);
        if (outcome instanceof Error) return part.failed(outcome);
        if (part.topic === 'execution-events') this.reached.set(slotOf(part), Math.max(outcome, this.reached.get(slotOf(part)) ?? -1));
        part.landed(outcome);
      });
    } catch (error) {
      if (line) this.busy.delete(line);
      line?.close();
      for (const idle of this.free.splice(0)) idle.close();
      for (const { failed } of parts) failed(error as Error);
    }
  }
}

/** Where others' records are, these are not: an owner that took such a place for its claim's would not read what follows it, and decide it again. */
const landing = (outcome: number | Error | undefined, before: number): number | Error => {
  if (outcome instanceof Error) return outcome;
  if (outcome === undefined || outcome < 0) return new Error('it was acknowledged without an offset, which says nothing');
  return outcome > before ? outcome : new Error(`it was acknowledged at ${outcome}, although ${before} was before it, which says nothing`);
};

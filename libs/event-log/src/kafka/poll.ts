import { pause } from '../pause.js';
import { Crowd } from './crowd.js';
import { FetchSession } from './fetch-session.js';
import type { Lane } from './lane.js';
import type { Line } from './line.js';
import type { FetchAnswer } from './requests.js';
import type { Wire } from './wire.js';

/** An idle poll asks again this often, ms; a record that arrives meanwhile is answered at once. */
const waitMs = 1_000;
/** Lanes that have room only now, while a poll waits at the broker, are asked for beside it, at this pace, ms. */
const besideMs = 10;
/** Nobody's patience counts for more, ms: a reader that joins, or is in a hurry by now, waits for no longer than this. */
const patientMs = 50;

export interface PollEvents {
  /** The lane must look for its partition's leader again. */
  failed(lane: Lane): void;
  over(): void;
}

const isSessionLost = (error: unknown): boolean => ['FETCH_SESSION_ID_NOT_FOUND', 'INVALID_FETCH_SESSION_EPOCH'].includes((error as { type?: string }).type ?? '');

/** One fetch session with one broker: a request waits there for news of every lane that has room, so that idle partitions cost nothing. */
export class Poll {
  private readonly lanes = new Map<string, Lane>();
  private readonly session = new FetchSession();
  private readonly crowd = new Crowd();
  private broughtAt = 0;
  private line: Line | undefined;
  private besideLine: Line | undefined;
  /** A request waits at the broker for what the session holds. */
  private isWaiting = false;
  private isBeside = false;
  private isRunning = false;
  private isOver = false;
  private wake: () => void = () => undefined;

  constructor(
    private readonly wire: Wire,
    private readonly nodeId: number,
    private readonly events: PollEvents,
  ) {}

  has(slot: string): boolean {
    return this.lanes.has(slot);
  }

  add(lane: Lane): void {
    this.lanes.set(lane.slot, lane);
    lane.feed = { hungry: () => this.hungry(), closed: () => this.remove(lane) };
    if (this.isRunning) this.hungry();
    else {
      this.isRunning = true;
      void this.run();
    }
  }

  private remove(lane: Lane): void {
    if (this.lanes.get(lane.slot) === lane) this.lanes.delete(lane.slot);
    if (this.lanes.size === 0) this.end();
  }

  /** A lane has room that had none. */
  private hungry(): void {
    if (!this.isWaiting) this.wake();
    else if (!this.isBeside) {
      this.isBeside = true;
      void this.fetchBeside();
    }
  }

  private async run(): Promise<void> {
    while (!this.isOver) {
      try {
        this.line ??= await this.wire.line(this.nodeId);
        const early = this.broughtAt + this.apartMs - performance.now();
        if (early > 0) await pause(early);
        if (this.isOver) break;
        const hungry = [...this.lanes.values()].filter((lane) => lane.isHungry);
        if (hungry.length === 0) {
          await new Promise<void>((resolve) => (this.wake = resolve));
          continue;
        }
        this.isWaiting = true;
        const answer = await this.line.fetch(this.session.ask(hungry, waitMs));
        this.isWaiting = false;
        this.session.answered(answer.session);
        this.deliver(answer);
      } catch (error) {
        this.isWaiting = false;
        this.session.reset();
        if (this.isOver) break;
        if (!isSessionLost(error)) this.failed(error);
      }
    }
    this.line?.close();
  }

  /** The least patient of its readers counts, but for a crowd everybody waits. */
  private get apartMs(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const lane of this.lanes.values()) least = Math.min(least, lane.apartMs());
    return Math.max(this.crowd.paceMs, Math.min(least, patientMs));
  }

  /** Without the session: the request that waits for it can't be changed, nor overtaken on its connection. */
  private async fetchBeside(): Promise<void> {
    try {
      while (this.isWaiting && !this.isOver) {
        const left = [...this.lanes.values()].filter((lane) => lane.isHungry && !this.session.holds(lane));
        if (left.length === 0) break;
        this.besideLine ??= await this.wire.line(this.nodeId);
        this.deliver(await this.besideLine.fetch(new FetchSession().askOnce(left, besideMs)));
      }
    } catch {
      this.besideLine?.close();
      this.besideLine = undefined;
    }
    this.isBeside = false;
    if (this.isOver) this.besideLine?.close();
  }

  private deliver({ parts }: FetchAnswer): void {
    let isNews = false;
    for (const { topic, partition, from, piece } of parts) {
      const lane = this.lanes.get(`${topic}/${partition}`);
      if (!lane || from > lane.offset) continue;
      if (piece instanceof Error) {
        if (lane.fails(piece)) this.giveUp(lane);
      } else if (piece.records.length > 0 || piece.next > lane.offset) {
        const now = performance.now();
        for (const { key } of piece.records) this.crowd.saw(key, now);
        this.broughtAt = now;
        isNews = true;
        lane.take(piece);
      }
    }
    if (isNews) this.crowd.went();
  }

  private giveUp(lane: Lane): void {
    this.lanes.delete(lane.slot);
    lane.feed = undefined;
    lane.failures++;
    this.events.failed(lane);
    if (this.lanes.size === 0) this.end();
  }

  private failed(error: unknown): void {
    this.wire.forget();
    this.wire.report(`read from broker ${this.nodeId}`, error);
    for (const lane of [...this.lanes.values()]) this.giveUp(lane);
  }

  private end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.events.over();
    this.line?.close();
    this.besideLine?.close();
    this.wake();
  }
}

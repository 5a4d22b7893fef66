import { setTimeout as delay } from 'node:timers/promises';
import type { Diagnostics } from '../diagnostics.js';
import type { Outgoing } from '../port.js';
import { OutcomeUnknown, type Session } from './session.js';
import { Composer, type WriteItem, type Written } from './write-batch.js';

const batchRecords = 4_000;
const batchBytes = 1024 * 1024;
const queueBytes = 16 * 1024 * 1024;
/** What nobody waits for goes with the next write that somebody waits for, or alone after so long. */
const lingerMs = 5;

interface WriteRow {
  readonly written_at: string | null;
  readonly bases: string[];
  readonly lost: number[] | null;
}

/** Why a fenced write did not happen, or may not have happened. */
export class FenceLost extends Error {}

export interface GroupCommitOptions {
  readonly session: Session;
  readonly slotOf: (outgoing: Outgoing) => { readonly topicNo: number; readonly partition: number };
  /** Called once a batch is durable, before its callers are told. */
  readonly onWritten: (written: readonly Written[]) => void;
  readonly timeoutMs: number;
  readonly diagnostics: Diagnostics;
}

/**
 * The one writer of a process: while a commit is under way, everything that callers want written collects, and goes out as one statement
 * and one commit when it is done.
 */
export class GroupCommit {
  private queue: WriteItem[] = [];
  private queuedBytes = 0;
  private running: Promise<void> | undefined;
  private lingering: NodeJS.Timeout | undefined;
  private hasLingered = false;
  private waitingForRoom: (() => void)[] = [];
  private closed = false;
  private abandoned = false;

  private readonly composer: Composer;

  constructor(private readonly options: GroupCommitOptions) {
    this.composer = new Composer(options.slotOf);
  }

  /** Waits while more is queued than memory is meant for. */
  async room(): Promise<void> {
    while (this.queuedBytes > queueBytes && !this.closed) await new Promise<void>((resolve) => this.waitingForRoom.push(resolve));
  }

  /** Resolves with the base offset of each part once all are durable. */
  write(item: Omit<WriteItem, 'settle' | 'fail'>): Promise<number[]> {
    return new Promise((settle, fail) => {
      if (this.closed) return fail(new FenceLost('the log is stopped'));
      this.queue.push({ ...item, settle, fail });
      this.queuedBytes += item.bytes;
      if (item.urgency === 'soon') this.linger();
      else this.start();
    });
  }

  /** Writes what is queued, for a while; what is left fails. */
  async close(withinMs: number): Promise<void> {
    this.closed = true;
    this.start();
    await Promise.race([this.running, delay(withinMs, undefined, { ref: false })]);
    this.abandoned = true;
    for (const item of this.queue.splice(0)) item.fail(new FenceLost('the log is stopped'));
    for (const wake of this.waitingForRoom.splice(0)) wake();
  }

  private start(): void {
    this.running ??= this.run();
  }

  private linger(): void {
    if (this.running) return;
    this.lingering ??= setTimeout(() => {
      this.hasLingered = true;
      this.start();
    }, lingerMs);
  }

  private get isDue(): boolean {
    return this.hasLingered || this.closed || this.queue.some(({ urgency }) => urgency !== 'soon');
  }

  private async run(): Promise<void> {
    for (let backoff = 10; ; ) {
      // Whatever else this turn of the event loop wants to write goes along.
      await new Promise(setImmediate);
      if (this.queue.length === 0 || !this.isDue) break;
      const batch = this.take();
      if (batch.length === 0) continue;
      const before = batch.length;
      const left = await this.commit(batch);
      if (this.abandoned) for (const item of left.splice(0)) item.fail(new FenceLost('the log is stopped'));
      if (left.length === before) {
        await delay(backoff);
        backoff = Math.min(backoff * 2, 500);
      } else backoff = 10;
      this.queue.unshift(...left);
      for (const item of left) this.queuedBytes += item.bytes;
      if (this.queuedBytes <= queueBytes) for (const wake of this.waitingForRoom.splice(0)) wake();
    }
    this.running = undefined;
    if (this.queue.length > 0) this.linger();
  }

  /** As many as fit. A partition written under a fence, or claimed, has no other write in the same batch; nobody overtakes in a partition. */
  private take(): WriteItem[] {
    clearTimeout(this.lingering);
    this.lingering = undefined;
    this.hasLingered = false;
    const taken: WriteItem[] = [];
    const rest: WriteItem[] = [];
    const shared = new Set<number>();
    const closed = new Set<number>();
    let records = 0;
    let bytes = 0;
    for (const item of this.queue) {
      if (item.signal?.aborted) {
        this.queuedBytes -= item.bytes;
        item.fail(new FenceLost('the partition was revoked'));
        continue;
      }
      const full = taken.length > 0 && (records + item.count > batchRecords || bytes + item.bytes > batchBytes);
      const blocked = full || item.parts.some((part, index) => closed.has(part.slot) || (index === 0 && item.exclusive && shared.has(part.slot)));
      item.parts.forEach((part, index) => (blocked || (index === 0 && item.exclusive) ? closed : shared).add(part.slot));
      if (blocked) rest.push(item);
      else {
        taken.push(item);
        records += item.count;
        bytes += item.bytes;
      }
    }
    this.queue = rest;
    this.queuedBytes -= bytes;
    return taken;
  }

  /** One round trip. Resolves with the items to try again. */
  private async commit(items: WriteItem[]): Promise<WriteItem[]> {
    const { session, onWritten, timeoutMs, diagnostics } = this.options;
    try {
      if (!session.connected) {
        const fenced = items.filter((item) => item.fence !== undefined);
        for (const item of fenced) item.fail(new FenceLost('the connection to the database is down'));
        if (fenced.length > 0) return items.filter((item) => item.fence === undefined);
        await session.ready();
      }
      const batch = this.composer.compose(items);
      const [row] = await session.query<WriteRow & Record<string, unknown>>(batch.query, timeoutMs);
      if (!row) throw new Error('Expected the log to answer a write with one row, but it gave none');
      if (row.lost) {
        const lost = batch.lost(row.lost);
        for (const item of lost) item.fail(new FenceLost('another claim is in force'));
        return items.filter((item) => !lost.has(item));
      }
      onWritten(batch.settle(row.bases.map(Number), Number(row.written_at)));
      return [];
    } catch (error) {
      if (error instanceof OutcomeUnknown) {
        if (!this.closed) diagnostics.warn({ err: error, items: items.length }, 'the outcome of a write to the log is unknown');
      } else diagnostics.error({ err: error, items: items.length }, 'the database refused a write to the log');
      for (const item of items) if (item.fence !== undefined) item.fail(new FenceLost((error as Error).message));
      const again = items.filter((item) => item.fence === undefined);
      if (error instanceof OutcomeUnknown || isPassing(error)) return again;
      for (const item of again) item.fail(error as Error);
      return [];
    }
  }
}

/** Lack of resources, conflicts, intervention of an operator, system errors: the same write may succeed later. */
const isPassing = (error: unknown): boolean => /^(40|53|55|57|58|25)/.test(String((error as { code?: unknown }).code));

import type { ConsoleLevel, JobFailure } from './job.js';
import { kinds } from './job.js';

/** A frame from a child, read. */
export type Heard =
  | { readonly type: 'ready' }
  | { readonly type: 'left' }
  | { readonly type: 'lines'; readonly id: number; readonly lines: readonly (readonly [ConsoleLevel, string])[] }
  | { readonly type: 'ended'; readonly id: number; readonly micros: number; readonly outcome: { readonly output: string } | JobFailure };

const HEAD_BYTES = 17;

interface Given {
  readonly id: number;
  readonly timeoutMs: number;
  readonly isQuick: boolean;
  readonly assigned: { readonly job: { readonly source: string; readonly scope: string } } | undefined;
}

/** The frames of jobs; those given up meanwhile do nothing. */
export const encodeJobs = (given: readonly Given[]): Buffer => {
  let bytes = 0;
  for (const { assigned } of given) bytes += HEAD_BYTES + (assigned ? Buffer.byteLength(assigned.job.source) + Buffer.byteLength(assigned.job.scope) : 0);
  const frames = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const { id, timeoutMs, isQuick, assigned } of given) {
    const sourceBytes = assigned ? frames.write(assigned.job.source, at + HEAD_BYTES) : 0;
    const scopeBytes = assigned ? frames.write(assigned.job.scope, at + HEAD_BYTES + sourceBytes) : 0;
    frames.writeUInt32BE(HEAD_BYTES - 4 + sourceBytes + scopeBytes, at);
    frames.writeUInt32BE(id, at + 4);
    frames.writeUInt32BE(timeoutMs, at + 8);
    frames.writeUInt8(isQuick ? 1 : 0, at + 12);
    frames.writeUInt32BE(sourceBytes, at + 13);
    at += HEAD_BYTES + sourceBytes + scopeBytes;
  }
  return frames;
};

/** Takes a child's bytes as they come and tells of the frames that are whole. */
export class FrameReader {
  /** The begin of a frame that has not come whole. */
  #rest: Buffer[] = [];
  #bytes = 0;
  #wanted = 4;

  constructor(private readonly hear: (heard: Heard) => void) {}

  read(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes < this.#wanted) {
      this.#rest.push(chunk);
      return;
    }
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([...this.#rest, chunk]);
    let at = 0;
    let wanted = 4;
    while (bytes.length - at >= wanted) {
      wanted = 4 + bytes.readUInt32BE(at);
      if (bytes.length - at < wanted) break;
      this.hear(decode(bytes, at + 4, at + wanted));
      at += wanted;
      wanted = 4;
    }
    this.#rest = at < bytes.length ? [bytes.subarray(at)] : [];
    this.#bytes = bytes.length - at;
    this.#wanted = wanted;
  }
}

const decode = (bytes: Buffer, from: number, to: number): Heard => {
  const kind = bytes[from];
  if (kind === kinds.ready) return { type: 'ready' };
  if (kind === kinds.left) return { type: 'left' };
  const id = bytes.readUInt32BE(from + 1);
  const text = bytes.toString('utf8', from + 9, to);
  if (kind === kinds.lines) return { type: 'lines', id, lines: JSON.parse(text) as [ConsoleLevel, string][] };
  return { type: 'ended', id, micros: bytes.readUInt32BE(from + 5), outcome: kind === kinds.output ? { output: text } : (JSON.parse(text) as JobFailure) };
};

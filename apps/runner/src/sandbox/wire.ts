import type { ConsoleLevel, JobFailure } from './job.js';
import { kinds } from './job.js';

/** A frame from a child, read. */
export type Heard =
  | { readonly type: 'ready' }
  | { readonly type: 'left' }
  | { readonly type: 'lines'; readonly id: number; readonly lines: readonly (readonly [ConsoleLevel, string])[] }
  | { readonly type: 'ended'; readonly id: number; readonly micros: number; readonly outcome: { readonly output: string } | JobFailure };

const HEAD_BYTES = 12;

export const encodeJob = (id: number, timeoutMs: number, source: string, scope: string): Buffer => {
  const sourceBytes = Buffer.byteLength(source);
  const frame = Buffer.allocUnsafe(4 + HEAD_BYTES + sourceBytes + Buffer.byteLength(scope));
  frame.writeUInt32BE(frame.length - 4, 0);
  frame.writeUInt32BE(id, 4);
  frame.writeUInt32BE(timeoutMs, 8);
  frame.writeUInt32BE(sourceBytes, 12);
  frame.write(source, 4 + HEAD_BYTES);
  frame.write(scope, 4 + HEAD_BYTES + sourceBytes);
  return frame;
};

/** Takes a child's bytes as they come and gives the frames that are whole. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #bytes = 0;

  *read(chunk: Buffer): Generator<Heard> {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    for (let head = this.#join(4); head && this.#bytes >= 4 + head.readUInt32BE(0); head = this.#join(4)) {
      const end = 4 + head.readUInt32BE(0);
      const whole = this.#join(end) as Buffer;
      this.#chunks[0] = whole.subarray(end);
      this.#bytes -= end;
      yield decode(whole.subarray(4, end));
    }
  }

  /** The first chunk, with at least so many bytes, if there are so many. */
  #join(bytes: number): Buffer | undefined {
    if (this.#bytes < bytes) return undefined;
    if ((this.#chunks[0]?.length ?? 0) < bytes) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0];
  }
}

const decode = (frame: Buffer): Heard => {
  const kind = frame.readUInt8(0);
  const id = frame.readUInt32BE(1);
  const micros = frame.readUInt32BE(5);
  const text = frame.toString('utf8', 9);
  if (kind === kinds.ready) return { type: 'ready' };
  if (kind === kinds.left) return { type: 'left' };
  if (kind === kinds.lines) return { type: 'lines', id, lines: JSON.parse(text) as [ConsoleLevel, string][] };
  return { type: 'ended', id, micros, outcome: kind === kinds.output ? { output: text } : (JSON.parse(text) as JobFailure) };
};

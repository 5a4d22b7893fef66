import { describe, expect, it } from '@jest/globals';
import { kinds } from './job.js';
import { FrameReader, type Heard } from './wire.js';

const frame = (kind: number, id: number, text: string): Buffer => {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(9 + Buffer.byteLength(text), 0);
  head.writeUInt8(kind, 4);
  head.writeUInt32BE(id, 5);
  head.writeUInt32BE(70 + id, 9);
  return Buffer.concat([head, Buffer.from(text)]);
};

describe('FrameReader', () => {
  it.each([1, 2, 5, 13, 14, 20, 1_000])('tells of each frame once it is whole, with %i bytes at a time', (bytes) => {
    const all = Buffer.concat([
      frame(kinds.ready, 0, ''),
      frame(kinds.lines, 1, '[["info","ü"]]'),
      frame(kinds.output, 1, '{"a":"ü"}'),
      frame(kinds.failure, 2, '{"code":"code_failed","message":"m","retryable":true}'),
      frame(kinds.left, 0, ''),
    ]);
    const heard: Heard[] = [];
    const reader = new FrameReader((next) => heard.push(next));
    for (let at = 0; at < all.length; at += bytes) reader.read(all.subarray(at, at + bytes));
    expect(heard).toEqual([
      { type: 'ready' },
      { type: 'lines', id: 1, lines: [['info', 'ü']] },
      { type: 'ended', id: 1, micros: 71, outcome: { output: '{"a":"ü"}' } },
      { type: 'ended', id: 2, micros: 72, outcome: { code: 'code_failed', message: 'm', retryable: true } },
      { type: 'left' },
    ]);
  });
});

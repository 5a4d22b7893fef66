import { describe, expect, it } from '@jest/globals';
import { until } from '@runlog/testing';
import { LogLines } from './log-lines.js';

const turn = (): Promise<void> => new Promise(setImmediate);

/** Frames that wait for the test to say that they are on the log. */
const collecting = () => {
  const frames: string[][] = [];
  const land: (() => void)[] = [];
  let dropped = 0;
  const lines = new LogLines(
    (frame) => {
      frames.push(frame.lines.map(({ message }) => message));
      return new Promise((resolve) => land.push(resolve));
    },
    (count) => void (dropped += count),
  );
  const write = (message: string, chars = message.length, executionId = 'e') =>
    lines.add({ executionId, workspaceId: 'w' }, { node: 'a', attempt: 1, at: 0, level: 'info', message }, chars);
  return { lines, frames, write, land: async () => (land.shift()?.(), await turn()), dropped: () => dropped };
};

describe('LogLines', () => {
  it('lets the lines of an execution travel together, when they are due or after a while', async () => {
    const { lines, frames, write } = collecting();
    write('1');
    write('other', 5, 'f');
    write('2');
    lines.flush('e');
    await turn();
    expect(frames).toContainEqual(['1', '2']);
    await until('the other execution is shown, too', () => frames.length === 2);
    expect(frames).toContainEqual(['other']);
  });

  it('waits for what others end in the same turn', async () => {
    const { lines, frames, write } = collecting();
    for (const line of ['1', '2', '3']) {
      write(line);
      expect(lines.flush('e')).toBeUndefined();
      await Promise.resolve();
    }
    expect(frames).toEqual([]);
    await turn();
    expect(frames).toEqual([['1', '2', '3']]);
  });

  it('sends one frame of an execution after the other', async () => {
    const { lines, frames, write, land } = collecting();
    write('1');
    lines.flush('e');
    await turn();
    write('2');
    lines.flush('e');
    write('3');
    expect(frames).toEqual([['1']]);
    await land();
    expect(frames).toEqual([['1'], ['2', '3']]);
  });

  it('says when lines that wait for others to land are on their way', async () => {
    const { lines, frames, write, land } = collecting();
    write('1');
    expect(lines.flush('e')).toBeUndefined();
    await turn();
    write('2');
    const left = lines.flush('e')?.then(() => frames.length);
    expect(frames).toEqual([['1']]);
    await land();
    expect(await left).toBe(2);
  });

  it('closes a frame that has many lines, or long ones', () => {
    const { frames, write } = collecting();
    for (let n = 0; n < 300; n++) write(String(n));
    expect(frames.map(({ length }) => length)).toEqual([256]);
    write('long', 100_000);
    expect(frames.map(({ length }) => length)).toEqual([256, 45]);
  });

  it('drops what is written while too much waits, and says how much', async () => {
    const { lines, write, land, dropped } = collecting();
    for (let n = 0; n < 10_010; n++) write('x');
    expect(dropped()).toBe(10);
    const drained = lines.drained();
    for (let n = 0; n < 50; n++) await land();
    await drained;
    write('x');
    expect(dropped()).toBe(10);
  });
});

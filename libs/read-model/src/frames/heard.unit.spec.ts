import { describe, expect, it } from '@jest/globals';
import type { AgentFrame } from '@runlog/execution';
import type { AgentMessage } from './agent-message.js';
import { type FrameRow, frameRows, frameView } from './frame-rows.js';
import { Heard, pieceOf, without } from './heard.js';

type Given = readonly [attempt: number, frame: AgentFrame];

const content = (from: number, text: string): AgentFrame => ({ kind: 'content', text, from });
const fence: AgentFrame = { kind: 'fence' };

/** What a reader shows of the frames. */
const shown = (frames: readonly Given[], heard = new Heard()): AgentFrame[] =>
  frames.flatMap(([attempt, frame]) => {
    const known = heard.hear('a', attempt, pieceOf(frame));
    return known === null ? [] : [without(frame, known)];
  });
const textOf = (frames: readonly AgentFrame[]): string => frames.map((frame) => ('text' in frame ? frame.text : '')).join('');

const message = (attempt: number, frame: AgentFrame): AgentMessage => ({
  type: 'agent',
  executionId: '0192a1b0-0000-7000-8000-000000000001',
  workspaceId: '0192a1b0-0000-7000-8000-000000000002',
  node: 'a',
  attempt,
  generation: attempt,
  at: 1,
  version: 4,
  frame,
});
const rowsOf = (frames: readonly Given[], first = 0): FrameRow[] => frameRows(frames.map(([attempt, frame], at) => ({ n: first + at, message: message(attempt, frame) })));
const view = ({ n, message: { version, node, attempt }, frame, parts }: FrameRow, after: number) => frameView({ n, version, node_id: node, attempt, frame, parts }, after);

describe('what a reader has heard', () => {
  it('leaves out what came twice, whole or in part', () => {
    expect(textOf(shown([1, 1, 1].map(() => [1, content(0, 'ab')])))).toBe('ab');
    expect(
      shown([
        [1, content(0, 'abc')],
        [1, content(1, 'bcde')],
        [1, content(0, 'a')],
      ]),
    ).toEqual([content(0, 'abc'), content(3, 'de')]);
    const tool: AgentFrame = { kind: 'tool_start', id: 't1', name: 'find' };
    expect(
      shown([
        [1, tool],
        [1, tool],
        [1, { kind: 'tool_end', id: 't1', name: 'find' }],
      ]),
    ).toHaveLength(2);
  });

  it('leaves out an older attempt after the fence of a newer one', () => {
    expect(
      textOf(
        shown([
          [1, content(0, 'abc')],
          [2, fence],
          [1, content(3, 'old')],
          [2, content(3, 'new')],
        ]),
      ),
    ).toBe('abcnew');
  });

  it('leaves out content after a gap until what is missing comes', () => {
    const heard = new Heard();
    expect(
      textOf(
        shown(
          [
            [1, content(0, 'ab')],
            [1, content(4, 'ef')],
          ],
          heard,
        ),
      ),
    ).toBe('ab');
    expect(heard.views).toEqual([{ node_id: 'a', attempt: 1, thinking: 0, content: 2, is_torn: true }]);
    expect(
      textOf(
        shown(
          [
            [2, fence],
            [2, content(2, 'cdef')],
          ],
          heard,
        ),
      ),
    ).toBe('cdef');
    expect(heard.views[0]).toMatchObject({ content: 6, is_torn: false });
  });

  it('goes on where another reader stopped', () => {
    const frames: Given[] = [
      [1, content(0, 'abc')],
      [1, { kind: 'thinking', text: 'hm', from: 0 }],
      [2, fence],
      [1, content(3, 'x')],
      [2, content(3, 'def')],
    ];
    for (let cut = 0; cut <= frames.length; cut++) {
      const first = new Heard();
      const before = shown(frames.slice(0, cut), first);
      expect([...before, ...shown(frames.slice(cut), new Heard(first.views))]).toEqual(shown(frames));
    }
  });
});

describe('rows of frames', () => {
  const said: Given[] = [
    [1, content(0, 'a')],
    [1, content(1, 'b')],
    [1, content(2, 'c\0')],
    [1, { kind: 'thinking', text: 'hm', from: 0 }],
    [1, content(4, '\ud83d')],
    [1, content(5, '\ude00')],
    [2, fence],
    [1, content(6, 'x')],
    [1, content(7, 'y')],
    [2, content(6, 'z')],
  ];

  it('hold text that follows in one', () => {
    expect(rowsOf(said).map(({ n, frame, parts }) => [n, 'text' in frame ? frame.text : frame.kind, parts])).toEqual([
      [
        2,
        'abc\0',
        [
          [0, 0],
          [1, 1],
          [2, 2],
        ],
      ],
      [3, 'hm', null],
      [
        5,
        '\u{1f600}',
        [
          [4, 4],
          [5, 5],
        ],
      ],
      [6, 'fence', null],
      [
        8,
        'xy',
        [
          [7, 6],
          [8, 7],
        ],
      ],
      [9, 'z', null],
    ]);
  });

  it('are read from any frame on as if each had one', () => {
    const text = textOf(shown(said));
    expect(text).toBe('abc\0hm\u{1f600}z');
    for (let split = 0; split <= said.length; split++)
      for (let after = -1; after < said.length; after++) {
        const rows = [...rowsOf(said.slice(0, split)), ...rowsOf(said.slice(split), split)].filter(({ n }) => n > after).map((row) => view(row, after));
        const heard = new Heard();
        const before = shown(said.slice(0, after + 1), heard);
        const rest = rows.flatMap(({ attempt, frame }) => shown([[attempt, frame]], heard));
        expect(textOf([...before, ...rest])).toBe(text);
      }
  });
});

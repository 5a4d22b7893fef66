import type { FrameView } from '@runlog/contract';
import type { AgentFrame } from '@runlog/execution';
import { type AgentMessage, spanOf } from './agent-message.js';
import { without } from './heard.js';

/** Text of one row, in UTF-16 units, unless it came as one frame. */
const LONGEST = 32 * 1024;

/** A row of `execution_frames`. */
export interface FrameRow {
  readonly message: Omit<AgentMessage, 'frame'>;
  readonly frame: AgentFrame;
  /** Offset of its last frame in the topic. */
  readonly n: number;
  /** Of several frames in one row: the offset of each, and where its text begins. */
  readonly parts: readonly (readonly [n: number, from: number])[] | null;
}

/** Frames in the order of their topic as rows: what an agent says without anything in between becomes one. */
export const frameRows = (frames: readonly { readonly n: number; readonly message: AgentMessage }[]): FrameRow[] => {
  const rows: FrameRow[] = [];
  const lastOf = new Map<string, number>();
  for (const { n, message } of frames) {
    const at = lastOf.get(message.executionId);
    const row: FrameRow = { message, frame: message.frame, n, parts: null };
    const joined = at === undefined ? null : join(rows[at] as FrameRow, row);
    if (joined) rows[at as number] = joined;
    else lastOf.set(message.executionId, rows.push(row) - 1);
  }
  return rows;
};

const join = (row: FrameRow, next: FrameRow): FrameRow | null => {
  const [a, b] = [row.frame, next.frame];
  if (!('text' in a) || !('text' in b) || a.kind !== b.kind || a.text.length + b.text.length > LONGEST) return null;
  const { node, attempt, version } = row.message;
  if (node !== next.message.node || attempt !== next.message.attempt || version !== next.message.version || spanOf(a)?.to !== b.from) return null;
  return { ...row, n: next.n, frame: { ...a, text: a.text + b.text }, parts: [...(row.parts ?? [[row.n, a.from]]), [next.n, b.from]] };
};

/** A row as it is read: what of it comes after the offset `after`. */
export const frameView = (row: Omit<FrameView, 'frame'> & Pick<FrameRow, 'frame' | 'parts'>, after: number): FrameView => {
  const { n, version, node_id, attempt, frame, parts } = row;
  const first = parts?.find(([each]) => each > after);
  return { n, version, node_id, attempt, frame: first && 'text' in frame ? without(frame, first[1] - frame.from) : frame };
};

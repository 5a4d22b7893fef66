import type { FrameView, HeardView } from '@runlog/contract';
import type { AgentFrame } from '@runlog/execution';
import { Heard, pieceOf, without } from '@runlog/read-model';
import type { Frame } from './event-script.js';

/** Text that is shown in one frame, in UTF-16 units, unless it came as one. */
const LONGEST = 32 * 1024;

/** What agents do and say as frames of `/stream`, each piece of text once; pieces that are there at the same time are joined. */
export class FrameScript {
  private readonly heard: Heard;
  private version = 0;

  /** @param known what the client has heard before. */
  constructor(known: readonly HeardView[] = []) {
    this.heard = new Heard(known);
  }

  get agents(): readonly HeardView[] {
    return this.heard.views;
  }

  frames(views: readonly FrameView[]): Frame[] {
    const shown: FrameView[] = [];
    for (const view of views) {
      const known = this.heard.hear(view.node_id, view.attempt, pieceOf(view.frame));
      if (known === null) continue;
      const next = { ...view, frame: without(view.frame, known) };
      const last = shown.at(-1);
      const joined = last && join(last, next);
      if (joined) shown[shown.length - 1] = joined;
      else shown.push(next);
    }
    return shown.map(({ version, n, frame }) => {
      // A runner that takes over learns of the version with its first step.
      this.version = Math.max(this.version, version);
      return { id: `${this.version}.${n}`, event: frame.kind, data: dataOf(frame) };
    });
  }

  /** Content that the client lacks, known from elsewhere; after the offset `n`. */
  missing(nodeId: string, content: string, version: number, n: number): Frame[] {
    const { attempt = 0, content: from = 0 } = this.agents.find(({ node_id }) => node_id === nodeId) ?? {};
    return this.frames([{ n, version, node_id: nodeId, attempt, frame: { kind: 'content', text: content.slice(from), from } }]);
  }
}

const join = (a: FrameView, b: FrameView): FrameView | null => {
  if (a.node_id !== b.node_id || a.frame.kind !== b.frame.kind || !('text' in a.frame) || !('text' in b.frame)) return null;
  if (a.frame.text.length + b.frame.text.length > LONGEST) return null;
  return { ...b, frame: { ...a.frame, text: a.frame.text + b.frame.text } };
};

const dataOf = (frame: AgentFrame): string => {
  switch (frame.kind) {
    case 'thinking':
    case 'content':
      return JSON.stringify({ content: frame.text });
    case 'tool_start':
      return JSON.stringify({ id: frame.id, name: frame.name });
    case 'tool_end':
      return JSON.stringify({ id: frame.id, name: frame.name, summary: frame.summary });
    case 'fence':
      return '{}';
  }
};

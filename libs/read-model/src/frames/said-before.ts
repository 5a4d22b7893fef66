import { setTimeout as pause } from 'node:timers/promises';
import type { FrameView } from '@runlog/contract';
import type { Sql } from '../database.js';
import { Heard, pieceOf, without } from './heard.js';
import { framesAfter } from './stored-frames.js';

const LOOK_MS = 20;
const PAGE = 500;

/** Text that everybody who follows an agent has been sent, or will be. */
export interface Said {
  readonly content: string;
  readonly thinking: string;
}

/**
 * What earlier attempts of a node have said: exactly what counts of it for every reader, now and later. Resolves once the `fence` that this
 * attempt has sent is stored; rejects with the signal's reason when it aborts first.
 */
export const saidBefore = async (
  sql: Sql,
  { workspaceId, executionId, node, attempt }: { readonly workspaceId: string; readonly executionId: string; readonly node: string; readonly attempt: number },
  signal: AbortSignal,
): Promise<Said> => {
  const fence = await fenced(sql, executionId, node, attempt, signal);
  const heard = new Heard();
  const said = { content: '', thinking: '' };
  for (let after = -1; ; ) {
    const page: FrameView[] = await framesAfter(sql, { workspaceId, executionId, after, limit: PAGE });
    for (const { n, node_id, attempt: of, frame } of page) {
      if (n >= fence) return said;
      if (node_id !== node) continue;
      const known = heard.hear(node_id, of, pieceOf(frame));
      if (known !== null && (frame.kind === 'content' || frame.kind === 'thinking')) said[frame.kind] += (without(frame, known) as typeof frame).text;
    }
    after = page.at(-1)?.n ?? after;
    if (page.length < PAGE) return said;
  }
};

const fenced = async (sql: Sql, executionId: string, node: string, attempt: number, signal: AbortSignal): Promise<number> => {
  for (;;) {
    const [row] = await sql.query<{ n: number }>(
      `select n from execution_frames where execution_id = $1 and node_id = $2 and attempt = $3 and kind = 'fence' order by n limit 1`,
      [executionId, node, attempt],
      'fence-of-attempt',
    );
    if (row) return row.n;
    await pause(LOOK_MS, undefined, { signal });
  }
};

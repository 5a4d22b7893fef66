import type { FrameView, HeardView } from '@runlog/contract';
import type { AgentFrame } from '@runlog/execution';
import type { Sql } from '../database.js';
import { type FrameRow, frameView } from './frame-rows.js';
import { Heard } from './heard.js';

/** Frames of an execution's agents after an offset of the topic, in its order. */
export const framesAfter = async (
  sql: Sql,
  ask: { readonly workspaceId: string; readonly executionId: string; readonly after: number; readonly limit: number },
): Promise<FrameView[]> => {
  const rows = await sql.query<Omit<FrameView, 'frame'> & Pick<FrameRow, 'frame' | 'parts'>>(
    'select n, version, node_id, attempt, frame, parts from execution_frames where execution_id = $1 and n > $2 and workspace_id = $3 order by n limit $4',
    [ask.executionId, ask.after, ask.workspaceId, ask.limit],
    'frames-after',
  );
  return rows.map((row) => frameView(row, ask.after));
};

interface Spoken {
  readonly n: number;
  readonly node_id: string;
  readonly attempt: number;
  readonly kind: AgentFrame['kind'];
  readonly from: number | null;
  readonly to: number | null;
  readonly parts: FrameRow['parts'];
}

/** What whoever has every frame up to an offset has heard. */
export const heardUpTo = async (sql: Sql, ask: { readonly workspaceId: string; readonly executionId: string; readonly n: number }): Promise<readonly HeardView[]> => {
  // A row that ends later may hold frames that came before.
  const rows = await sql.query<Spoken>(
    `select n, node_id, attempt, kind, "from", "to", parts from execution_frames
     where execution_id = $1 and workspace_id = $3 and n <= coalesce((select min(n) from execution_frames where execution_id = $1 and n >= $2), $2) order by n`,
    [ask.executionId, ask.n, ask.workspaceId],
    'heard-up-to',
  );
  const heard = new Heard();
  for (const { n, node_id, attempt, kind, from, to, parts } of rows) {
    const end = n <= ask.n ? to : parts?.find(([each]) => each > ask.n)?.[1];
    if (n > ask.n && (!parts?.[0] || parts[0][0] > ask.n)) continue;
    heard.hear(node_id, attempt, { kind, span: from === null || typeof end !== 'number' ? null : { from, to: end } });
  }
  return heard.views;
};

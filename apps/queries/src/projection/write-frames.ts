import type { Position } from '@runlog/event-log';
import type { Frame } from '@runlog/execution';
import { type FrameRow, frameRows, isAgentMessage, type Sql, spanOf } from '@runlog/read-model';
import { type Column, columnar, names, selected, unnested } from './columns.js';

type Lines = Extract<Frame, { type: 'lines' }>;
type LateReport = Extract<Frame, { type: 'late_report' }>;

/** A frame, and its offset in the topic. */
export interface Placed {
  readonly n: number;
  readonly frame: Frame;
}

/** Text columns take no NUL. */
const text = (value: string): string => value.replaceAll('\0', '\uFFFD');

/** What `json` can keep and `text` can't: NUL, and surrogates without their other half. */
const unreadable = /\\(?:\\|u0000|ud[89a-f]..)/g;

const linesText = (lines: Lines['lines']): string => JSON.stringify(lines).replace(unreadable, (found) => (found === '\\\\' ? found : '\uFFFD'));

const lineColumns: readonly Column<Lines>[] = [
  { name: 'execution_id', type: 'uuid', of: (frame) => frame.executionId },
  { name: 'workspace_id', type: 'uuid', of: (frame) => frame.workspaceId },
  { name: 'dedupe', type: 'text', of: (frame) => frame.dedupe },
  { name: 'lines', type: 'json', of: (frame) => linesText(frame.lines) },
];

const reportColumns: readonly Column<LateReport>[] = [
  { name: 'execution_id', type: 'uuid', of: (frame) => frame.executionId },
  { name: 'node_id', type: 'text', of: (frame) => frame.node },
  { name: 'attempt', type: 'integer', of: (frame) => frame.attempt },
  { name: 'at', type: 'bigint', of: (frame) => frame.at },
  { name: 'runner', type: 'text', of: (frame) => frame.runner },
  { name: 'report', type: 'text', of: (frame) => frame.report },
  { name: 'because', type: 'text', of: (frame) => text(frame.because) },
];

const frameColumns: readonly Column<FrameRow>[] = [
  { name: 'execution_id', type: 'uuid', of: ({ message }) => message.executionId },
  { name: 'n', type: 'bigint', of: ({ n }) => n },
  { name: 'workspace_id', type: 'uuid', of: ({ message }) => message.workspaceId },
  { name: 'node_id', type: 'text', of: ({ message }) => message.node },
  { name: 'attempt', type: 'integer', of: ({ message }) => message.attempt },
  { name: 'version', type: 'integer', of: ({ message }) => message.version },
  { name: 'at', type: 'bigint', of: ({ message }) => message.at },
  { name: 'kind', type: 'text', of: ({ frame }) => frame.kind },
  { name: '"from"', type: 'integer', of: ({ frame }) => spanOf(frame)?.from ?? null },
  { name: '"to"', type: 'integer', of: ({ frame }) => spanOf(frame)?.to ?? null },
  { name: 'frame', type: 'json', of: ({ frame }) => JSON.stringify(frame) },
  { name: 'parts', type: 'json', of: ({ parts }) => (parts ? JSON.stringify(parts) : null) },
];

const FIRST = 8;
const reportsFrom = FIRST + lineColumns.length;
const framesFrom = reportsFrom + reportColumns.length;

/** As for events: one statement, nothing without the progress. Lines that are there already (same `dedupe`) are counted once. */
const statement = `
with won as (
  update projection_progress set "offset" = $4, claim = $5, previous = $6, updated_at = $7
  where projection = 'frames' and partition = $1 and topic_id = $2 and "offset" = $3 returning 1
), logged as (
  insert into execution_lines (${names(lineColumns)}) select ${selected(lineColumns)} from ${unnested(lineColumns, FIRST)} where exists (select from won)
  on conflict (execution_id, dedupe) do nothing returning execution_id, n, lines
), tips as (
  insert into execution_log_tips as t (execution_id, count, last_line)
  select execution_id, sum(json_array_length(lines))::integer, (array_agg(lines -> -1 ->> 'message' order by n desc))[1] from logged group by execution_id
  on conflict (execution_id) do update set count = t.count + excluded.count, last_line = excluded.last_line
), late as (
  insert into execution_late_reports (${names(reportColumns)}) select ${selected(reportColumns)} from ${unnested(reportColumns, reportsFrom)} where exists (select from won)
  on conflict do nothing
), said as (
  insert into execution_frames (${names(frameColumns)}) select ${selected(frameColumns)} from ${unnested(frameColumns, framesFrom)} where exists (select from won)
  on conflict do nothing
)
select from won`;

const linesOf = (frame: Frame): Lines | undefined => {
  if (frame.type === 'lines') return frame;
  if (frame.type !== 'log') return undefined;
  const { type: _, executionId, workspaceId, dedupe, ...line } = frame;
  return { type: 'lines', executionId, workspaceId, dedupe, lines: [line] };
};

/** Writes a batch of frames and moves the progress. False: somebody else moved it, and nothing was written. */
export const writeFrames = async (sql: Sql, placed: readonly Placed[], from: Position, to: Position): Promise<boolean> => {
  const frames = placed.map(({ frame }) => frame);
  const lines = frames.flatMap((frame) => linesOf(frame) ?? []);
  const reports = frames.filter((frame) => frame.type === 'late_report');
  const said = frameRows(placed.flatMap(({ n, frame }) => (isAgentMessage(frame) ? [{ n, message: frame }] : [])));
  const rows = await sql.query(
    statement,
    [
      ...[from.partition, from.topicId, from.offset, to.offset, to.claim, to.previous, Date.now()],
      ...(await columnar(lineColumns, lines)),
      ...(await columnar(reportColumns, reports)),
      ...(await columnar(frameColumns, said)),
    ],
    'write-frames',
  );
  return rows.length > 0;
};

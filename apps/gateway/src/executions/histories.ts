import type {
  CancellationResource,
  DiffResource,
  EventResource,
  ExecutionStatus,
  ExecutionView,
  ListResource,
  LogLineResource,
  LogQuery,
  NodeResource,
  ProofResource,
  Reads,
  WhyResource,
} from '@runlog/contract';
import { type Catalog, isTerminalStatus } from '@runlog/read-model';
import type { Response } from 'express';
import type { Principal } from '../auth/principal.js';
import { dialectOf } from '../dialects/spoken.js';
import { statusWords } from '../dialects/status-words.js';
import type { Frames } from '../frames.js';
import { Problem, unknown } from '../http/problem.js';
import type { ApiRequest } from '../http/request.js';
import { slotSeen } from '../queues/slots-seen.js';
import type { RunnersSeen } from '../runners-seen.js';
import { canonicalScript } from '../streams/event-script.js';
import { streamEvents } from '../streams/event-stream.js';
import { eventPositionOf, lastEventId, lastFrame, lastPosition } from '../streams/last-event-id.js';
import { streamLogs } from '../streams/log-stream.js';
import type { OpenStreams } from '../streams/open-streams.js';
import { streamOutcome } from '../streams/outcome-stream.js';
import type { Tail } from '../tail.js';
import { cancellationOf } from './cancellation.js';
import { diffOf, type Run } from './diff.js';
import { eventResource } from './event-resource.js';
import { type ExecutionReader, staleHeader } from './execution-reader.js';
import type { EventsQuery, LogsQuery, StreamQuery } from './history.dto.js';
import { logLine } from './log-line.js';
import { nodeResources } from './node-resource.js';
import type { PinnedWorkflows } from './pinned-workflows.js';
import type { Presentation } from './presentation.js';
import type { Presenter } from './presenter.js';
import { Proving } from './proof.js';
import type { StoredBodies } from './stored-bodies.js';
import { whyOf } from './why.js';

const PAGE = 100;
const PROVED_AT_ONCE = 1_000;

/** What happened to one execution: events, log lines, nodes; as pages and as streams. */
export class Histories {
  constructor(
    private readonly reads: Reads,
    private readonly reader: ExecutionReader,
    private readonly bodies: StoredBodies,
    private readonly workflows: PinnedWorkflows,
    private readonly presenter: Presenter,
    private readonly tail: Tail,
    private readonly frames: Frames,
    private readonly streams: OpenStreams,
    private readonly runners: RunnersSeen,
    private readonly catalog: Catalog,
  ) {}

  async events(who: Principal, ref: string, { after = 0, limit = PAGE }: EventsQuery): Promise<{ body: ListResource<EventResource>; headers: Record<string, string> }> {
    const found = await this.reader.one(who, ref, { nodes: false });
    const events = await this.reads.events({ workspaceId: who.workspaceId, executionId: found.view.id, after, limit: limit + 1 });
    return { body: page(events.slice(0, limit).map(eventResource), events.length > limit, ({ version }) => version), headers: staleHeader(found) };
  }

  async streamEvents(who: Principal, ref: string, request: ApiRequest, query: EventsQuery, response: Response, how: Presentation): Promise<void> {
    const { events } = how.dialect;
    const position = lastPosition(request, query.last_event_id, events?.positionOf ?? eventPositionOf);
    const last = position?.version ?? null;
    // Only this much of it is kept for as long as the stream is open.
    const { id, status, version } = await this.asFarAs(who, ref, last);
    if (last !== null && isTerminalStatus(status) && last >= version) return void response.status(204).end();
    const snapshot = last !== null && last > version ? (await this.reader.one(who, id, { nodes: true })).view : undefined;
    const after = snapshot?.version ?? last ?? (query.from === 'now' ? version : (query.after ?? 0));
    const reset = snapshot ? { reset: await this.presenter.one(snapshot, how, false) } : {};
    const script = events ? events.script(await this.before(who, id, Math.min(after, version)), { version: after, frames: position?.frames ?? 0 }) : canonicalScript;
    const sources = { tail: this.tail, reads: this.reads, freshness: (execution: string) => this.reader.freshness(execution) };
    const from = { workspaceId: who.workspaceId, executionId: id, after, view: { status, version }, script, ...reset };
    await this.streams.serve(who, request, response, (writer, until) => streamEvents(sources, from, writer, until), { reconnect: script.reconnect });
  }

  /** As it stood where a stream goes on; null at its beginning. */
  private async before(who: Principal, executionId: string, version: number): Promise<ExecutionView | null> {
    return version === 0 ? null : (await this.reader.one(who, executionId, { nodes: true, atVersion: version })).view;
  }

  /** What its agents think, do and say, and its end. An execution of a workflow without agents has its end only. */
  async stream(who: Principal, ref: string, request: ApiRequest, query: StreamQuery, response: Response): Promise<void> {
    const { name } = dialectOf(request);
    const { id: executionId, workspace_id: workspaceId, status, version } = (await this.reader.one(who, ref, { nodes: false })).view;
    const last = lastFrame(request, query.last_event_id);
    if (last !== null && isTerminalStatus(status) && last.version >= version) return void response.status(204).end();
    const look = async ({ minVersion, whole = false }: { readonly minVersion?: number; readonly whole?: boolean }) => {
      const { view } = await this.reader.one(who, executionId, { nodes: whole, ...(minVersion !== undefined && { minVersion }) });
      return whole ? this.bodies.whole(view, { output: true, input: false, nodes: true }) : view;
    };
    const sources = { tail: this.tail, frames: this.frames, reads: this.reads, look, wordOf: (each: ExecutionStatus) => statusWords[name][each] };
    const from = { workspaceId, executionId, last: last?.n ?? null, ended: isTerminalStatus(status) ? version : null };
    await this.streams.serve(who, request, response, (writer, until) => streamOutcome(sources, from, writer, until), { endless: true });
  }

  /** As it stands, and no earlier than what the client has seen: a read model that is late is waited for, an id that never was is not. */
  private async asFarAs(who: Principal, ref: string, last: number | null): Promise<ExecutionView> {
    const { view, stale } = await this.reader.one(who, ref, { nodes: false });
    if (last === null || last <= view.version || !stale) return view;
    return (await this.reader.one(who, ref, { nodes: false, minVersion: last })).view;
  }

  async logs(who: Principal, ref: string, query: LogsQuery): Promise<ListResource<LogLineResource>> {
    const { view } = await this.reader.one(who, ref, { nodes: false });
    const limit = query.limit ?? PAGE;
    const lines = await this.reads.logs({ ...logQuery(who, view.id, query), limit: limit + 1 });
    return page(lines.slice(0, limit).map(logLine), lines.length > limit, ({ seq }) => seq);
  }

  async streamLogs(who: Principal, ref: string, request: ApiRequest, query: LogsQuery, response: Response): Promise<void> {
    const { view } = await this.reader.one(who, ref, { nodes: false });
    const last = lastEventId(request, query.last_event_id);
    const { name, logLine: lineOf = (line: LogLineResource): unknown => line } = dialectOf(request);
    const isReset = last !== null && last > 0 && !(await this.hasLine(who, view.id, last));
    const from = { ...logQuery(who, view.id, query), after: isReset ? 0 : (last ?? query.after ?? 0), isReset };
    if (last !== null && !isReset && isTerminalStatus(view.status) && (await this.reads.logs({ ...from, limit: 1 })).length === 0) return void response.status(204).end();
    const ended = async () => {
      const { view: now } = await this.reader.one(who, view.id, { nodes: false });
      return isTerminalStatus(now.status) ? { status: statusWords[name][now.status], version: now.version } : null;
    };
    await this.streams.serve(who, request, response, (writer, until) =>
      streamLogs({ tail: this.tail, frames: this.frames, reads: this.reads, lineOf }, from, ended, writer, until),
    );
  }

  private async hasLine(who: Principal, executionId: string, seq: number): Promise<boolean> {
    const [line] = await this.reads.logs({ workspaceId: who.workspaceId, executionId, after: seq - 1, limit: 1 });
    return line?.seq === seq;
  }

  /** Of the node `whole` its output, too, where it is stored elsewhere. */
  async nodes(who: Principal, ref: string, whole?: string): Promise<ListResource<NodeResource>> {
    const { view } = await this.reader.one(who, ref, { nodes: false });
    const [views, workflow] = await Promise.all([this.reads.nodes({ workspaceId: who.workspaceId, executionId: view.id }), this.workflows.version(view.workflow_version_id)]);
    if (!views || !workflow) throw unknown('execution', ref);
    const shown = await Promise.all(views.map((node) => (node.node_id === whole ? this.bodies.wholeNode(view.workspace_id, node) : node)));
    return page(nodeResources(view, workflow, shown, Date.now()), false, () => 0);
  }

  async why(who: Principal, ref: string): Promise<WhyResource> {
    const { view } = await this.reader.one(who, ref, { nodes: true });
    return whyOf(view, this.runners.alive, Date.now(), await slotSeen(this.catalog, view, who.podId));
  }

  /** The whole chain, recomputed from the stored bytes. Events that come while it is read are left out. */
  async proof(who: Principal, ref: string): Promise<ProofResource> {
    const { view } = await this.reader.one(who, ref, { nodes: false });
    const proving = new Proving(view.id);
    while (proving.length < view.version) {
      const limit = Math.min(PROVED_AT_ONCE, view.version - proving.length);
      const events = await this.reads.events({ workspaceId: who.workspaceId, executionId: view.id, after: proving.length, limit });
      for (const event of events) proving.add(event);
      if (events.length === 0) break;
    }
    return proving.proof(view);
  }

  async diff(who: Principal, ref: string, otherRef: string): Promise<DiffResource> {
    const [a, b] = await Promise.all([this.run(who, ref), this.run(who, otherRef)]);
    return diffOf(a, b, Date.now());
  }

  private async run(who: Principal, ref: string): Promise<Run> {
    const { view } = await this.reader.one(who, ref, { nodes: true });
    const workflow = await this.workflows.version(view.workflow_version_id);
    if (!workflow) throw unknown('execution', ref);
    return { view, workflow };
  }

  /** What became of a cancel. Throws a 404 problem when nobody has asked for one. */
  async cancellation(who: Principal, ref: string): Promise<CancellationResource> {
    const { view } = await this.reader.one(who, ref, { nodes: true });
    const receipt = cancellationOf(view);
    if (!receipt) throw new Problem('unknown', 'cancellation_not_found', `Expected to find a cancel of execution '${ref}', but nobody has asked for one`);
    return receipt;
  }
}

const logQuery = (who: Principal, executionId: string, { after = 0, node_id, attempt, level, q }: LogsQuery): Omit<LogQuery, 'limit'> => ({
  workspaceId: who.workspaceId,
  executionId,
  after,
  ...(node_id === undefined ? {} : { node: node_id }),
  ...(attempt === undefined ? {} : { attempt }),
  ...(level === undefined ? {} : { level }),
  ...(q === undefined || q === '' ? {} : { q }),
});

/** A page, oldest first; its cursor is the number of its last row. */
const page = <Item>(data: readonly Item[], has_more: boolean, numberOf: (item: Item) => number): ListResource<Item> => {
  const last = data.at(-1);
  return { object: 'list', data, has_more, next_cursor: has_more && last !== undefined ? String(numberOf(last)) : null, prev_cursor: null };
};

import type { GateView, LogLineResource, NodeResource } from '@runlog/contract';
import type { RespondBody } from '../../executions/verbs.dto.js';
import { invalid } from '../../http/problem.js';
import { errorOf } from '../agents/agents.js';
import { type Dialect, endingOf, type Page } from '../dialect.js';
import { statusWords } from '../status-words.js';
import { nodeWord } from './node-words.js';
import { podsPositionOf, podsScript } from './pods-script.js';

/** Runs of workflows in pods: `/workspaces/:wId/pods/:podId/executions`. */
export const pods: Dialect = {
  name: 'pods',
  fields: [
    'id',
    'workspaceId',
    'podId',
    'workflowId',
    'status',
    'triggeredBy',
    'input',
    'output',
    'error',
    'nodeResults',
    'startedAt',
    'completedAt',
    'finishedAt',
    'createdAt',
    'durationMs',
  ],
  parts: { nodeResults: 'nodes' },
  execution: ({ execution, nodes }) => ({
    id: execution.id,
    workspaceId: execution.workspace_id,
    podId: execution.pod_id,
    workflowId: execution.workflow_id,
    status: statusWords.pods[execution.status],
    triggeredBy: byHand.has(execution.trigger.kind) ? 'manual' : execution.trigger.kind,
    input: execution.input,
    output: execution.output,
    error: execution.status === 'cancelled' ? null : endingOf(execution),
    nodeResults: Object.fromEntries(nodes.map((node) => [node.node_id, nodeResult(node)])),
    startedAt: execution.started_at,
    completedAt: execution.completed_at,
    finishedAt: execution.completed_at,
    createdAt: execution.created_at,
    durationMs: execution.duration_ms,
  }),
  list: (page) => ({ body: page.data, ...next(page) }),
  logLine: (line) => podLogLine(line),
  logs: (page) => ({ body: page.data.map(podLogLine), ...next(page) }),
  events: { positionOf: podsPositionOf, script: podsScript },
  problem: (problem) => ({ error: errorOf(problem) }),
  says: {
    create: { names: { workflowId: 'workflow_id', input: 'input' } },
    respond: { names: { approved: { to: 'decision', read: decisionIn }, reason: 'comment', comment: 'comment', nodeId: 'node_id', answer: 'answer', data: 'answer' } },
    replay: { names: { fromNodeId: 'from_node_id', input: 'input' } },
  },
  respond: (body, gates) => {
    const gate = meant(body, gates);
    if (gate?.kind === 'effect') return toldOfEffect(body);
    if (gate?.kind === 'budget') return toldOfBudget(body);
    return body.decision === undefined || gate?.schema != null ? body : withoutAnswer(body);
  },
};

const byHand = new Set(['api', 'dashboard', 'sdk']);

const asking = new Set(['approval', 'question']);

const nodeResult = ({ type, status, output, error, started_at, completed_at, failed_at, stopped_at, duration_ms }: NodeResource): object => ({
  status: nodeWord(status, asking.has(type)),
  output,
  error: error?.message ?? null,
  startedAt: started_at,
  finishedAt: completed_at ?? failed_at ?? stopped_at,
  durationMs: duration_ms,
});

const podLogLine = ({ seq, at, level, node_id, attempt, message, fields }: LogLineResource): object => ({ seq, at, level, nodeId: node_id, attempt, message, fields });

/** The next page is a link, because the body is the bare rows. */
const next = ({ here, next_cursor }: Page<unknown>): { headers?: Record<string, string> } => {
  if (next_cursor === null) return {};
  const url = new URL(here);
  for (const name of ['before', 'page']) url.searchParams.delete(name);
  url.searchParams.set('after', next_cursor);
  return { headers: { Link: `<${url}>; rel="next"` } };
};

function decisionIn(approved: unknown): string {
  if (typeof approved !== 'boolean') throw invalid([{ pointer: '/approved', detail: "Expected 'approved' to be true or false" }]);
  return approved ? 'approve' : 'reject';
}

/** The gate that an answer is for, open or not: a repeat must say the same. */
const meant = ({ gate_id, node_id }: RespondBody, gates: readonly GateView[]): GateView | undefined => {
  const named = gates.filter((gate) => (gate_id === undefined || gate.id === gate_id) && (node_id === undefined || gate.node_id === node_id));
  return named.find(({ decided }) => decided === null) ?? named.at(-1);
};

/** Approved: it was had, and `data` is its receipt; not approved: it failed. To repeat one there is the canonical route. */
const toldOfEffect = ({ decision, answer = null, ...body }: RespondBody): RespondBody =>
  decision === 'reject' ? { ...body, decision: 'fail' } : { ...body, decision: 'done', answer };

/** Approved: `data` is `{budget_usd}`, the new total; not approved: the node fails. */
const toldOfBudget = ({ decision, ...body }: RespondBody): RespondBody => ({ ...body, decision: decision === 'reject' ? 'fail' : 'raise' });

/** `data` counts where the gate has a schema for it. */
const withoutAnswer = ({ answer: _answer, ...body }: RespondBody): RespondBody => body;

import type { ExecutionView, GateView } from '@runlog/contract';
import type { ExecutionCommand } from '@runlog/execution';
import { actorOf, type Principal, rolesOf } from '../auth/principal.js';
import type { Commands } from '../commands.js';
import { Answer } from '../http/answer.js';
import { Problem } from '../http/problem.js';
import type { ApiRequest } from '../http/request.js';
import type { ActIds, Idempotency } from '../idempotency.js';
import { type ExecutionReader, staleHeader } from './execution-reader.js';
import { etagOf, type Presentation, requireMatch } from './presentation.js';
import type { Presenter } from './presenter.js';
import type { CancelBody, RespondBody } from './verbs.dto.js';

interface Ask<Body> {
  readonly request: ApiRequest;
  readonly who: Principal;
  readonly ref: string;
  readonly body: Body;
  readonly how: Presentation;
}

/** Commands upon an execution that is there. Each outcome arrives with the version that decided it, so the read that follows can wait for it. */
export class Verbs {
  constructor(
    private readonly commands: Commands,
    private readonly reader: ExecutionReader,
    private readonly presenter: Presenter,
    private readonly idempotency: Idempotency,
  ) {}

  /** 200 once it is cancelled, 202 while running nodes are being stopped. */
  cancel({ body, ...ask }: Ask<CancelBody>): Promise<Answer> {
    return this.act(
      ask,
      body,
      (common) => ({ ...common, type: 'CancelExecution', by: actorOf(ask.who), ...(body.reason ? { reason: body.reason } : {}) }),
      ({ status }) => (status === 'cancelled' ? 200 : 202),
    );
  }

  respond({ body, ...ask }: Ask<RespondBody>): Promise<Answer> {
    const { respond = (said: RespondBody) => said } = ask.how.dialect;
    const check = (view: ExecutionView) => requireApprover(ask.who, view, body);
    return this.act(
      ask,
      body,
      (common, { gates }) => ({ ...common, ...answerIn(respond(body, gates)), type: 'Respond', by: actorOf(ask.who), roles: rolesOf(ask.who) }),
      () => 200,
      check,
    );
  }

  private async act(
    { request, who, ref, how }: Omit<Ask<object>, 'body'>,
    body: object,
    commandOf: (common: { id: string; executionId: string; workspaceId: string; at: number; traceparent: string }, before: ExecutionView) => ExecutionCommand,
    statusOf: (view: ExecutionView) => number,
    check: (view: ExecutionView) => void = () => undefined,
  ): Promise<Answer> {
    const { view: before } = await this.reader.one(who, ref, { nodes: false });
    // Inside the act: a repeat with the same Idempotency-Key gets its answer whatever has happened since.
    const act = async ({ commandId, again }: ActIds) => {
      if (!again) {
        requireMatch(request, before);
        check(before);
      }
      const { version } = await this.commands.send(
        commandOf({ id: commandId, executionId: before.id, workspaceId: who.workspaceId, at: Date.now(), traceparent: request.traceparent }, before),
      );
      const found = await this.reader.after(who, before.id, version);
      const resource = await this.presenter.one(found.view, { ...how, now: Date.now() });
      const status = statusOf(found.view);
      const headers = { ETag: etagOf(found.view.version, how), ...staleHeader(found) };
      return new Answer(status, resource, status === 202 ? { ...headers, Location: `${how.path}/${before.id}` } : headers);
    };
    return this.idempotency.once(request, who, body, act, { executionId: before.id });
  }
}

const answerIn = ({ gate_id, node_id, decision, answer, comment }: RespondBody) => ({
  ...(gate_id === undefined ? {} : { gate: gate_id }),
  ...(node_id === undefined ? {} : { node: node_id }),
  ...(decision === undefined ? {} : { decision }),
  ...(answer === undefined ? {} : { answer }),
  ...(comment == null ? {} : { comment }),
});

/** Who may answer when the gate names nobody: editor and up, and keys that may approve. Who is named is settled by the gate itself, in `decide`. */
const requireApprover = (who: Principal, { gates }: ExecutionView, { gate_id, node_id }: RespondBody): void => {
  if (rolesOf(who).includes('editor')) return;
  const meant = gates.filter(({ id, node_id: node, decided }) => decided === null && (gate_id === undefined || id === gate_id) && (node_id === undefined || node === node_id));
  if (!meant.every(namesApprovers) || meant.length === 0)
    throw new Problem('forbidden', 'forbidden', 'Expected a key that may answer gates, but its role is viewer and the gate names no approvers');
};

const namesApprovers = ({ approvers }: GateView): boolean => {
  const { users = [], roles = [] } = (approvers ?? {}) as { users?: string[]; roles?: string[] };
  return users.length > 0 || roles.length > 0;
};

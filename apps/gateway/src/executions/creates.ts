import type { Json } from '@runlog/execution';
import { type Catalog, isTerminalStatus } from '@runlog/read-model';
import { validateJson, type WorkflowDefinition } from '@runlog/workflow';
import type { Principal } from '../auth/principal.js';
import type { Commands } from '../commands.js';
import { Answer } from '../http/answer.js';
import { invalid } from '../http/problem.js';
import type { ApiRequest } from '../http/request.js';
import type { ActIds, Idempotency } from '../idempotency.js';
import type { Tail } from '../tail.js';
import type { Awaiting } from './awaiting.js';
import type { CreateExecutionBody } from './create.dto.js';
import { createCommand } from './created.js';
import type { Latest, PinnedWorkflows } from './pinned-workflows.js';
import { etagOf, type Presentation } from './presentation.js';
import type { Presenter } from './presenter.js';
import { findTarget, type Target } from './target.js';
import { Unfolding } from './unfolding.js';
import type { Waiting } from './waiting.js';

interface Ask {
  readonly request: ApiRequest;
  readonly who: Principal;
  readonly target: Target;
  readonly body: CreateExecutionBody;
  /** The body as it was given, where it says more than that. */
  readonly given?: object;
  readonly waiting: Waiting;
  readonly how: Presentation;
}

/** Creates: checked before anything is recorded, answered from the tail. */
export class Creates {
  constructor(
    private readonly catalog: Catalog,
    private readonly workflows: PinnedWorkflows,
    private readonly commands: Commands,
    private readonly tail: Tail,
    private readonly awaiting: Awaiting,
    private readonly presenter: Presenter,
    private readonly idempotency: Idempotency,
    /** Aborts when the gateway goes down: whoever waits gets what there is. */
    private readonly stopping: AbortSignal,
  ) {}

  async create(ask: Ask): Promise<Answer> {
    const latest = await findTarget(this.workflows, ask.who.workspaceId, ask.target);
    return this.idempotency.once(ask.request, ask.who, ask.given ?? ask.body, (ids) => this.act(ask, latest, ids));
  }

  private async act(ask: Ask, latest: Latest, ids: ActIds): Promise<Answer> {
    const { who, body, waiting, how } = ask;
    if (!ids.again) checkInput(latest.pinned.definition, body.input ?? {});
    const { executionId } = ids;
    const command = await createCommand(this.catalog, { who, latest, body, ids, traceparent: ask.request.traceparent });
    const unfolding = new Unfolding(this.tail, executionId, latest.workflow);
    const deadline = performance.now() + waiting.seconds * 1000;
    try {
      const { version } = await this.commands.send(command);
      if (waiting.seconds > 0 && unfolding.view) await unfolding.settled(deadline - performance.now(), this.stopping);
      const view = unfolding.view ?? (await this.awaiting.settled({ who, executionId, nodes: true, minVersion: version }, deadline));
      const resource = await this.presenter.one(view, { ...how, now: Date.now() });
      const ended = isTerminalStatus(view.status);
      const location = { Location: `${how.path}/${executionId}` };
      const headers = { ...waiting.headers, ETag: etagOf(view.version, how) };
      if (waiting.seconds === 0) return new Answer(201, resource, { ...headers, ...location });
      return ended ? new Answer(200, resource, headers) : new Answer(202, resource, { ...headers, ...location });
    } finally {
      unfolding.close();
    }
  }
}

/** Throws a 422 problem where the input breaks the version's schema. */
export const checkInput = ({ input_schema: schema }: WorkflowDefinition, input: Json): void => {
  if (schema === undefined) return;
  const problems = validateJson(schema, input);
  if (problems.length > 0)
    throw invalid(
      problems.map(({ pointer, detail }) => ({ pointer: `/input${pointer}`, detail })),
      'invalid_input',
    );
};

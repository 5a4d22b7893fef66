import type { ExecutionView } from '@runlog/contract';
import { isTerminalStatus } from '@runlog/read-model';
import type { Principal } from '../auth/principal.js';
import { Answer } from '../http/answer.js';
import type { ApiRequest } from '../http/request.js';
import type { Awaiting } from './awaiting.js';
import { etagOf, type Presentation } from './presentation.js';
import { needsNodes, type Presenter } from './presenter.js';
import type { Waiting } from './waiting.js';

/** A request that leads from one execution to another. */
export interface FollowOn<Body> {
  readonly request: ApiRequest;
  readonly who: Principal;
  readonly ref: string;
  readonly body: Body;
  readonly waiting: Waiting;
  readonly how: Presentation;
}

/** Answers with the execution that a retry or replay leads to: 201, or 200 and 202 where the caller waits; 200 where it was there before. */
export class FollowOns {
  constructor(
    private readonly awaiting: Awaiting,
    private readonly presenter: Presenter,
  ) {}

  async answer({ who, waiting, how }: FollowOn<object>, executionId: string, isNew: boolean, minVersion?: number): Promise<Answer> {
    const wanted = { who, executionId, nodes: needsNodes(how) };
    const deadline = performance.now() + waiting.seconds * 1000;
    let view: ExecutionView | undefined;
    if (minVersion === undefined) view = await this.awaiting.begun(wanted);
    if (!view || waiting.seconds > 0) view = await this.awaiting.settled({ ...wanted, ...(minVersion === undefined ? {} : { minVersion }) }, deadline);
    const resource = await this.presenter.one(view, { ...how, now: Date.now() });
    const headers = { ...waiting.headers, ETag: etagOf(view.version, how) };
    const location = { Location: `${how.path}/${executionId}` };
    if (waiting.seconds === 0) return isNew ? new Answer(201, resource, { ...headers, ...location }) : new Answer(200, resource, headers);
    return isTerminalStatus(view.status) ? new Answer(200, resource, headers) : new Answer(202, resource, { ...headers, ...location });
  }
}

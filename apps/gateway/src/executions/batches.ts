import { createHash } from 'node:crypto';
import type { BatchResource, ProblemResource } from '@runlog/contract';
import type { Catalog } from '@runlog/read-model';
import type { Principal } from '../auth/principal.js';
import type { Commands } from '../commands.js';
import { dialectOf } from '../dialects/spoken.js';
import { Answer } from '../http/answer.js';
import { problemBody, problemIn } from '../http/problem.filter.js';
import { invalid, Problem, type ProblemPointer } from '../http/problem.js';
import type { ApiRequest } from '../http/request.js';
import { readBody } from '../http/validation.js';
import type { ActIds, Idempotency } from '../idempotency.js';
import type { CreateBatchBody } from './batch.dto.js';
import { CreateExecutionOfBody } from './create.dto.js';
import { createCommand } from './created.js';
import { checkInput } from './creates.js';
import type { PinnedWorkflows } from './pinned-workflows.js';
import { findTarget, targetIn } from './target.js';

type Outcome = BatchResource['data'][number];

/** Many creates in one request, each with its own outcome: what is wrong with one keeps none of the others back. */
export class Batches {
  constructor(
    private readonly catalog: Catalog,
    private readonly workflows: PinnedWorkflows,
    private readonly commands: Commands,
    private readonly idempotency: Idempotency,
  ) {}

  create(request: ApiRequest, who: Principal, body: CreateBatchBody): Promise<Answer> {
    return this.idempotency.once(request, who, body, async (ids) => {
      const data = await Promise.all(body.executions.map((one, index) => this.outcome(request, who, one, index, ids)));
      return new Answer(
        200,
        { batch_id: ids.executionId, data } satisfies BatchResource,
        {},
        data.some(({ status }) => status >= 500),
      );
    });
  }

  private async outcome(request: ApiRequest, who: Principal, given: unknown, index: number, batch: ActIds): Promise<Outcome> {
    const ids = { executionId: within(batch.executionId, batch.commandId, index), commandId: within(batch.commandId, batch.commandId, index) };
    try {
      const body = read(given);
      const latest = await findTarget(this.workflows, who.workspaceId, targetIn(body));
      if (!batch.again) checkInput(latest.pinned.definition, body.input ?? {});
      await this.commands.send(await createCommand(this.catalog, { who, latest, body, ids, traceparent: request.traceparent, batchId: batch.executionId }));
      return { index, status: 201, id: ids.executionId };
    } catch (error) {
      const { kind, code, message, more } = problemIn(error);
      if (kind === 'failed') throw error;
      const problem = problemBody(new Problem(kind, code, message, { ...more, errors: pointersInto(index, more.errors) }), request, dialectOf(request));
      return { index, status: problem.status, problem: problem as unknown as ProblemResource };
    }
  }
}

/** Throws a 422 problem with everything that is wrong in it. */
const read = (given: unknown): CreateExecutionOfBody => {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw invalid([{ pointer: '', detail: 'Expected an object' }]);
  return readBody(CreateExecutionOfBody, given as Record<string, unknown>);
};

const pointersInto = (index: number, errors: readonly ProblemPointer[] = []): ProblemPointer[] =>
  errors.map(({ pointer, ...rest }) => ({ pointer: `/executions/${index}${pointer}`, ...rest }));

/** A UUIDv7 of the same millisecond, the same whenever the same key is used again. */
const within = (base: string, secret: string, index: number): string => {
  const hash = createHash('sha256').update(`${base}/${secret}/${index}`).digest('hex');
  const variant = ((Number.parseInt(hash.slice(3, 4), 16) & 3) | 8).toString(16);
  return `${base.slice(0, 14)}7${hash.slice(0, 3)}-${variant}${hash.slice(4, 7)}-${hash.slice(7, 19)}`;
};

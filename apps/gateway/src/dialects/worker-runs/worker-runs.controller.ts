import { Body, Controller, Param, Post, Query, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { Caller, type Principal } from '../../auth/principal.js';
import { Requires } from '../../auth/requires.js';
import { Creates } from '../../executions/creates.js';
import { CreateQuery } from '../../executions/list.dto.js';
import { Links, type Presentation, presentationOf } from '../../executions/presentation.js';
import { waitingOf } from '../../executions/waiting.js';
import type { Answer } from '../../http/answer.js';
import type { ApiRequest } from '../../http/request.js';
import { Answers, Problems, TakesIdempotencyKey } from '../../http/responses.js';
import { RunBody } from './run-body.js';

/** The route of worker runs that is no canonical one. */
@ApiTags('worker-runs')
@Controller('api/v1/workflows')
export class WorkerRunsController {
  constructor(
    private readonly creates: Creates,
    private readonly links: Links,
  ) {}

  @Post(':workflow_id/run')
  @Requires('executions:create')
  @ApiOperation({ operationId: 'runWorkflow', summary: 'Create an execution of a workflow; the answer has execution_id too' })
  @TakesIdempotencyKey()
  @Answers(200, 'Execution', 'Waited for: it has ended')
  @Answers(201, 'Execution', 'Created')
  @Answers(202, 'Execution', 'Waited for: it goes on')
  @Problems(404, 409, 413, 415, 422)
  run(@Req() request: ApiRequest, @Caller() who: Principal, @Param('workflow_id') workflow: string, @Query() query: CreateQuery, @Body() body: RunBody): Promise<Answer> {
    const how = withExecutionId(presentationOf(request, query, this.links.publicUrl, true));
    return this.creates.create({ request, who, target: { workflow, from: 'path' }, body, waiting: waitingOf(request, query.wait), how });
  }
}

const withExecutionId = ({ dialect, ...how }: Presentation): Presentation => ({
  ...how,
  dialect: { ...dialect, execution: (source) => ({ execution_id: source.execution.id, ...dialect.execution(source) }) },
});

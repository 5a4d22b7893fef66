import { Body, Controller, Post, Req } from '@nestjs/common';
import { ApiExtraModels, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Caller, type Principal } from '../auth/principal.js';
import { Requires } from '../auth/requires.js';
import type { Answer } from '../http/answer.js';
import type { ApiRequest } from '../http/request.js';
import { Answers, Problems, TakesIdempotencyKey } from '../http/responses.js';
import { CreateBatchBody } from './batch.dto.js';
import { Batches } from './batches.js';
import { CreateExecutionOfBody } from './create.dto.js';

@ApiTags('executions')
@ApiExtraModels(CreateExecutionOfBody)
@Controller('api/v1/executions/batch')
export class BatchesController {
  constructor(private readonly batches: Batches) {}

  @Post()
  @Requires('executions:create')
  @ApiOperation({ operationId: 'createExecutions', summary: 'Create up to 1,000 executions, with an outcome each' })
  @TakesIdempotencyKey()
  @Answers(200, 'Batch', 'One outcome per create, in their order')
  @Problems(409, 413, 415, 422)
  create(@Req() request: ApiRequest, @Caller() who: Principal, @Body() body: CreateBatchBody): Promise<Answer> {
    return this.batches.create(request, who, body);
  }
}

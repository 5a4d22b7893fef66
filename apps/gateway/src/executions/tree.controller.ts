import { Controller, Get, Param } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { TreeResource } from '@runlog/contract';
import { Caller, type Principal } from '../auth/principal.js';
import { Requires } from '../auth/requires.js';
import { Answers, Problems } from '../http/responses.js';
import { Trees } from './trees.js';

/** Apart from the execution: what is below it changes without its version, hence its ETag, changing. */
@ApiTags('executions')
@Controller('api/v1/executions/:execution_id/tree')
export class TreeController {
  constructor(private readonly trees: Trees) {}

  @Get()
  @Requires('executions:read')
  @ApiOperation({ operationId: 'getTree', summary: 'What an execution and all that it has started, at any depth, used and cost together' })
  @Answers(200, 'Tree')
  @Problems(404)
  tree(@Caller() who: Principal, @Param('execution_id') ref: string): Promise<TreeResource> {
    return this.trees.of(who, ref);
  }
}

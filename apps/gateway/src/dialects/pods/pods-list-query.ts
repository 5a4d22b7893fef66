import { ApiPropertyOptional } from '@nestjs/swagger';
import type { ExecutionStatus } from '@runlog/contract';
import { ListQuery } from '../../executions/list.dto.js';
import { wordsOf } from '../status-words.js';

/** Filters and page of a list in a pod. */
export class PodsListQuery extends ListQuery {
  @ApiPropertyOptional({ enum: wordsOf('pods'), isArray: true, description: 'May be repeated' })
  override status?: ExecutionStatus[];
}

import { ApiPropertyOptional } from '@nestjs/swagger';
import type { Json } from '@runlog/execution';
import { Allow } from 'class-validator';
import { CreateExecutionBody } from '../../executions/create.dto.js';
import type { Vocabulary } from '../dialect.js';

/** A create whose input may be called `payload`, whatever the dialect. */
export class RunBody extends CreateExecutionBody {
  static readonly says: Vocabulary = { names: { payload: 'input' }, more: true };

  @ApiPropertyOptional({ description: 'The same as input', type: () => Object, nullable: true, additionalProperties: true })
  @Allow()
  payload?: Json;
}

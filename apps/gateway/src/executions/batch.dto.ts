import { ApiProperty, getSchemaPath } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, IsArray } from 'class-validator';
import { CreateExecutionOfBody } from './create.dto.js';

const MOST = 1000;

/** Creates that are sent together. */
export class CreateBatchBody {
  @ApiProperty({
    type: 'array',
    items: { $ref: getSchemaPath(CreateExecutionOfBody) },
    minItems: 1,
    maxItems: MOST,
    description: 'What is wrong with one of them is its own outcome',
  })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MOST)
  executions!: unknown[];
}

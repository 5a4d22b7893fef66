import { ApiProperty } from '@nestjs/swagger';
import { IsString, Length } from 'class-validator';
import { CreateExecutionBody } from '../../executions/create.dto.js';

/** A create in a pod names its workflow. */
export class PodsCreateBody extends CreateExecutionBody {
  @ApiProperty({ type: String, minLength: 1, maxLength: 64, description: 'Id or key of the workflow' })
  @IsString()
  @Length(1, 64)
  workflow_id!: string;
}

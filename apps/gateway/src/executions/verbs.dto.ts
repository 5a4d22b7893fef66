import { ApiPropertyOptional } from '@nestjs/swagger';
import type { Json } from '@runlog/execution';
import { Allow, IsIn, IsOptional, IsString, Length, MaxLength } from 'class-validator';

/** Asks an execution to stop. */
export class CancelBody {
  @ApiPropertyOptional({ type: String, maxLength: 1000, nullable: true })
  @IsOptional()
  @IsString()
  @MaxLength(1000)
  reason?: string | null;
}

/** Answers an open gate: an approval needs a decision, a question an answer. */
export class RespondBody {
  @ApiPropertyOptional({ type: String, description: 'Needed, or node_id, when several gates are open' })
  @IsOptional()
  @IsString()
  @Length(1, 100)
  gate_id?: string;

  @ApiPropertyOptional({ type: String })
  @IsOptional()
  @IsString()
  @Length(1, 64)
  node_id?: string;

  @ApiPropertyOptional({ enum: ['approve', 'reject'] })
  @IsOptional()
  @IsIn(['approve', 'reject'])
  decision?: 'approve' | 'reject';

  @ApiPropertyOptional({ description: "Must fit the gate's schema", type: () => Object, nullable: true, additionalProperties: true })
  @Allow()
  answer?: Json;

  @ApiPropertyOptional({ type: String, maxLength: 4000, nullable: true })
  @IsOptional()
  @IsString()
  @MaxLength(4000)
  comment?: string | null;
}

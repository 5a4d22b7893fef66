import { ApiPropertyOptional } from '@nestjs/swagger';
import type { GateDecision, Json } from '@runlog/execution';
import { Allow, IsBoolean, IsIn, IsInt, IsOptional, IsString, Length, MaxLength, Min } from 'class-validator';
import { LARGE } from '../http/json-body.js';

/** Asks an execution to stop. */
export class CancelBody {
  @ApiPropertyOptional({ type: String, maxLength: 1000, nullable: true })
  @IsOptional()
  @IsString()
  @MaxLength(1000)
  reason?: string | null;
}

/** Replays an execution that has ended; everything may be left out. */
export class ReplayBody {
  static readonly [LARGE] = true;

  @ApiPropertyOptional({ type: String, minLength: 1, maxLength: 64, description: 'This node and all that follow it run again; every other node that completed is reused' })
  @IsOptional()
  @IsString()
  @Length(1, 64)
  from_node_id?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, description: 'Forks at this event: nodes that had completed by then are reused' })
  @IsOptional()
  @IsInt()
  @Min(1)
  at_version?: number;

  @ApiPropertyOptional({ description: 'Instead of the original input', type: () => Object, nullable: true, additionalProperties: true })
  @Allow()
  input?: Json;

  @ApiPropertyOptional({ enum: ['pinned', 'latest'], default: 'pinned' })
  @IsOptional()
  @IsIn(['pinned', 'latest'])
  version?: 'pinned' | 'latest';

  @ApiPropertyOptional({ type: Boolean, default: false, description: 'Approvals and questions are asked again instead of inherited' })
  @IsOptional()
  @IsBoolean()
  reask?: boolean;

  @ApiPropertyOptional({ type: Boolean, default: false, description: 'Only answers what would happen' })
  @IsOptional()
  @IsBoolean()
  plan?: boolean;
}

const decisions: readonly GateDecision[] = ['approve', 'reject', 'done', 'repeat', 'fail', 'raise'];

/** Answers an open gate: an approval, an effect or a budget needs a decision, a question an answer. */
export class RespondBody {
  static readonly [LARGE] = true;

  @ApiPropertyOptional({ type: String, minLength: 1, maxLength: 100, description: 'Needed, or node_id, when several gates are open' })
  @IsOptional()
  @IsString()
  @Length(1, 100)
  gate_id?: string;

  @ApiPropertyOptional({ type: String, minLength: 1, maxLength: 64 })
  @IsOptional()
  @IsString()
  @Length(1, 64)
  node_id?: string;

  @ApiPropertyOptional({
    enum: decisions,
    description: 'An approval takes approve and reject, an effect done, repeat and fail, a budget raise (answer: {budget_usd}, the new total) and fail, a question none',
  })
  @IsOptional()
  @IsIn(decisions)
  decision?: GateDecision;

  @ApiPropertyOptional({
    description: "Must fit the gate's schema; with the decision done it is the receipt, which becomes the node's output",
    type: () => Object,
    nullable: true,
    additionalProperties: true,
  })
  @Allow()
  answer?: Json;

  @ApiPropertyOptional({ type: String, maxLength: 4000, nullable: true })
  @IsOptional()
  @IsString()
  @MaxLength(4000)
  comment?: string | null;
}

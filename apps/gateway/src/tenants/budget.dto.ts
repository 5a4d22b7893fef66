import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsNumber, IsOptional, Max, Min } from 'class-validator';

const MOST_USD = 1_000_000;
const periods = ['total', 'month', 'day'] as const;

/** What the models of a workspace may cost. */
export class BudgetBody {
  @ApiProperty({ type: Number, minimum: 0, maximum: MOST_USD, description: 'USD, to the nano-USD; 0: no model is called', example: 25 })
  @IsNumber({ allowNaN: false, allowInfinity: false })
  @Min(0)
  @Max(MOST_USD)
  budget_usd!: number;

  @ApiPropertyOptional({ enum: periods, default: 'total', description: 'In UTC: each calendar month, each day, or for good' })
  @IsOptional()
  @IsIn(periods)
  period?: (typeof periods)[number];
}

import { ApiPropertyOptional, PickType } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsInt, IsOptional, IsString, Length, Max, Min } from 'class-validator';
import { PageQuery } from '../executions/list.dto.js';

const MOST = 1_000_000;
const YEAR_S = 365 * 86_400;
const strategies = ['queue', 'cancel_running', 'cancel_newest', 'round_robin'] as const;

/** Settings of a queue; what is left out stays as it is. */
export class QueueBody {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: MOST, nullable: true, description: 'How many of its executions run at a time; null: any number' })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MOST)
  limit?: number | null;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: MOST, default: 1, description: 'How many of them with the same concurrency key' })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MOST)
  key_limit?: number;

  @ApiPropertyOptional({ enum: strategies, default: 'queue', description: 'What happens where all slots of a key (without a key: of the queue) are held' })
  @IsOptional()
  @IsIn(strategies)
  strategy?: (typeof strategies)[number];

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: YEAR_S, nullable: true, description: 'Who waits longer for the first slot fails; null: nobody does' })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(YEAR_S)
  ttl_seconds?: number | null;

  @ApiPropertyOptional({ type: Boolean, default: false, description: 'Nobody is admitted; whoever runs goes on' })
  @IsOptional()
  @IsBoolean()
  paused?: boolean;
}

export class QueuesQuery extends PickType(PageQuery, ['limit']) {
  @ApiPropertyOptional({ type: String, description: 'The name of the last queue of the page before' })
  @IsOptional()
  @IsString()
  @Length(1, 128)
  after?: string;
}

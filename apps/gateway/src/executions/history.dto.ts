import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsInt, IsOptional, IsString, Length, Matches, Max, MaxLength, Min } from 'class-validator';
import { LAST_EVENT_ID } from '../streams/last-event-id.js';
import { MOST_VERSIONS } from './list.dto.js';

/** Pages of events, or where their stream begins. */
export class EventsQuery {
  @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: MOST_VERSIONS, description: 'Version: what follows it' })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MOST_VERSIONS)
  after?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 1000, default: 100 })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(1000)
  limit?: number;

  @ApiPropertyOptional({ type: String, description: 'As the Last-Event-ID header' })
  @IsOptional()
  @Matches(LAST_EVENT_ID)
  last_event_id?: string;

  @ApiPropertyOptional({ enum: ['now'], description: 'A stream without the history' })
  @IsOptional()
  @IsIn(['now'])
  from?: 'now';
}

/** Where a reconnecting stream goes on. */
export class StreamQuery {
  @ApiPropertyOptional({ type: String, description: 'As the Last-Event-ID header' })
  @IsOptional()
  @Matches(LAST_EVENT_ID)
  last_event_id?: string;
}

const logLevels = ['debug', 'info', 'warn', 'error'] as const;

/** Filters of log lines, and how they are wanted. */
export class LogsQuery {
  @ApiPropertyOptional({ type: 'integer', minimum: 0, description: 'seq: what follows it' })
  @IsOptional()
  @IsInt()
  @Min(0)
  after?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 1000, default: 100 })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(1000)
  limit?: number;

  @ApiPropertyOptional({ type: String, minLength: 1, maxLength: 64 })
  @IsOptional()
  @Length(1, 64)
  node_id?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: MOST_VERSIONS })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MOST_VERSIONS)
  attempt?: number;

  @ApiPropertyOptional({ enum: logLevels })
  @IsOptional()
  @IsIn(logLevels)
  level?: string;

  @ApiPropertyOptional({ type: String, maxLength: 255, description: 'Part of the message' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  q?: string;

  @ApiPropertyOptional({ type: Boolean, description: 'As a stream' })
  @IsOptional()
  @IsBoolean()
  follow?: boolean;

  @ApiPropertyOptional({ enum: ['json', 'ndjson'], default: 'json' })
  @IsOptional()
  @IsIn(['json', 'ndjson'])
  format?: 'json' | 'ndjson';

  @ApiPropertyOptional({ type: String, description: 'As the Last-Event-ID header' })
  @IsOptional()
  @Matches(LAST_EVENT_ID)
  last_event_id?: string;
}

/** How a trace is wanted. */
export class TraceQuery {
  @ApiPropertyOptional({ enum: ['json', 'otlp'], default: 'json', description: 'otlp: OTLP/JSON of the spans that have ended, as a collector takes it' })
  @IsOptional()
  @IsIn(['json', 'otlp'])
  format?: 'json' | 'otlp';
}

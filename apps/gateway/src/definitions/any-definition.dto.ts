import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

export const anyObjects = { type: 'array', items: { type: 'object', additionalProperties: true } } as const;
export const anyObject = { type: 'object', additionalProperties: true } as const;

/** What every definition begins with. The workflow library checks definitions, all problems at once; these classes only describe them. */
export class AnyDefinitionBody {
  @ApiProperty({ type: String, pattern: '^[a-z][a-z0-9_]{0,63}$' })
  key!: string;

  @ApiProperty({ type: String })
  name!: string;

  @ApiPropertyOptional({ type: String })
  description?: string;
}

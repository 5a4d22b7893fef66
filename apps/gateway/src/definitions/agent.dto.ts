import { ApiProperty, ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import { OPEN } from '../http/validation.pipe.js';

const objects = { type: 'array', items: { type: 'object', additionalProperties: true } } as const;
const object = { type: 'object', additionalProperties: true } as const;

/** An agent's definition. The workflow library checks it, all problems at once; this only describes it. */
@ApiSchema({ name: 'AgentDefinition' })
export class AgentDefinitionBody {
  static readonly [OPEN] = true;

  @ApiProperty({ type: String, pattern: '^[a-z][a-z0-9_]{0,63}$' })
  key!: string;

  @ApiProperty({ type: String })
  name!: string;

  @ApiPropertyOptional({ type: String })
  description?: string;

  @ApiProperty(object)
  model!: object;

  @ApiPropertyOptional(object)
  fallback?: object;

  @ApiPropertyOptional({ type: String })
  system_prompt?: string;

  @ApiPropertyOptional({ type: String })
  prompt_template?: string;

  @ApiPropertyOptional(objects)
  tools?: object[];

  @ApiPropertyOptional(objects)
  guardrails?: object[];

  @ApiPropertyOptional(object)
  input_schema?: object;

  @ApiPropertyOptional(object)
  output_schema?: object;

  @ApiPropertyOptional(object)
  limits?: object;
}

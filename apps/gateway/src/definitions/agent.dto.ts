import { ApiProperty, ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import { OPEN } from '../http/validation.js';
import { AnyDefinitionBody, anyObject, anyObjects } from './any-definition.dto.js';

/** An agent's definition. */
@ApiSchema({ name: 'AgentDefinition' })
export class AgentDefinitionBody extends AnyDefinitionBody {
  static readonly [OPEN] = true;

  @ApiProperty(anyObject)
  model!: object;

  @ApiPropertyOptional(anyObject)
  fallback?: object;

  @ApiPropertyOptional({ type: String })
  system_prompt?: string;

  @ApiPropertyOptional({ type: String })
  prompt_template?: string;

  @ApiPropertyOptional(anyObjects)
  tools?: object[];

  @ApiPropertyOptional(anyObjects)
  guardrails?: object[];

  @ApiPropertyOptional(anyObject)
  input_schema?: object;

  @ApiPropertyOptional(anyObject)
  output_schema?: object;

  @ApiPropertyOptional(anyObject)
  limits?: object;
}

import { ApiProperty, ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import { OPEN } from '../http/validation.pipe.js';

const objects = { type: 'array', items: { type: 'object', additionalProperties: true } } as const;
const object = { type: 'object', additionalProperties: true } as const;

/** A workflow definition. The workflow library checks it, all problems at once; this only describes it. */
@ApiSchema({ name: 'Definition' })
export class DefinitionBody {
  static readonly [OPEN] = true;

  @ApiProperty({ type: String, pattern: '^[a-z][a-z0-9_]{0,63}$' })
  key!: string;

  @ApiProperty({ type: String })
  name!: string;

  @ApiPropertyOptional({ type: String })
  description?: string;

  @ApiPropertyOptional({ ...object, description: 'JSON Schema (2020-12) of the input' })
  input_schema?: object;

  @ApiPropertyOptional({ ...objects, description: '{id, type, name, config, retry?, timeout_ms?, effect?, on_unknown?}' })
  nodes?: object[];

  @ApiPropertyOptional({ ...objects, description: '{from, to, branch?}; from may be start_of_workflow' })
  edges?: object[];

  @ApiPropertyOptional({ ...object, description: '{<node>: {x, y}}' })
  positions?: object;

  @ApiPropertyOptional({ type: String, description: 'Expression; missing: the outputs of the last nodes' })
  output?: string;

  @ApiPropertyOptional(object)
  settings?: object;
}

import { ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import { OPEN } from '../http/validation.js';
import { AnyDefinitionBody, anyObject, anyObjects } from './any-definition.dto.js';

/** A workflow definition. */
@ApiSchema({ name: 'Definition' })
export class DefinitionBody extends AnyDefinitionBody {
  static readonly [OPEN] = true;

  @ApiPropertyOptional({ ...anyObject, description: 'JSON Schema (2020-12) of the input' })
  input_schema?: object;

  @ApiPropertyOptional({ ...anyObjects, description: '{id, type, name, config, retry?, timeout_ms?, effect?, on_unknown?}' })
  nodes?: object[];

  @ApiPropertyOptional({ ...anyObjects, description: '{from, to, branch?}; from may be start_of_workflow' })
  edges?: object[];

  @ApiPropertyOptional({ ...anyObject, description: '{<node>: {x, y}}' })
  positions?: object;

  @ApiPropertyOptional({ type: String, description: 'Expression; missing: the outputs of the last nodes' })
  output?: string;

  @ApiPropertyOptional(anyObject)
  settings?: object;
}

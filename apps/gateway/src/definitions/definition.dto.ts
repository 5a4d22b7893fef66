import { ApiExtraModels, ApiProperty } from '@nestjs/swagger';
import { OPEN } from '../http/validation.pipe.js';

/** A workflow definition. Its shape is checked by the workflow library, all problems at once. */
@ApiExtraModels()
export class DefinitionBody {
  static readonly [OPEN] = true;

  @ApiProperty({ type: String, pattern: '^[a-z][a-z0-9_]{0,63}$' })
  key!: string;

  @ApiProperty({ type: String })
  name!: string;

  @ApiProperty({ type: 'array', items: { type: 'object', additionalProperties: true } })
  nodes!: object[];

  @ApiProperty({ type: 'array', items: { type: 'object', additionalProperties: true } })
  edges!: object[];
}

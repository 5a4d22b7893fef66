import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, Length, Matches } from 'class-validator';

const SLUG = '^[a-z][a-z0-9-]{0,62}$';
const Slug = () => (target: object, name: string) => {
  ApiProperty({ type: String, pattern: SLUG, description: 'Lower case letters, digits and dashes' })(target, name);
  Matches(new RegExp(SLUG), { message: `${name} must be 1 to 63 lower case letters, digits and dashes, beginning with a letter` })(target, name);
};
const Name = () => (target: object, name: string) => {
  ApiPropertyOptional({ type: String, minLength: 1, maxLength: 100, description: 'Default: the slug' })(target, name);
  IsOptional()(target, name);
  IsString()(target, name);
  Length(1, 100)(target, name);
};

/** A new tenant. */
export class WorkspaceBody {
  @Slug()
  slug!: string;

  @Name()
  name?: string;

  @ApiPropertyOptional({ type: String, description: 'IANA time zone', default: 'UTC', example: 'Europe/Berlin' })
  @IsOptional()
  @IsString()
  @Length(1, 64)
  timezone?: string;
}

/** A new part of the workspace. */
export class PodBody {
  @Slug()
  slug!: string;

  @Name()
  name?: string;
}

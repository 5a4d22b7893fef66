import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, Length } from 'class-validator';

/** An optional word of 1 to 255 characters in a query: an id, a key, a cursor. */
export const Word = (description: string) => (target: object, name: string) => {
  ApiPropertyOptional({ type: String, description, minLength: 1, maxLength: 255 })(target, name);
  IsOptional()(target, name);
  IsString()(target, name);
  Length(1, 255)(target, name);
};

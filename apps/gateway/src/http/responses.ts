import { applyDecorators } from '@nestjs/common';
import { ApiHeader, ApiResponse } from '@nestjs/swagger';

/** What each status of a problem means. */
export const problems: Readonly<Record<number, string>> = {
  400: 'Malformed: broken JSON, header, query or cursor',
  401: 'No key, or an unknown or revoked one',
  403: 'The role does not allow it',
  404: 'Unknown here',
  409: 'Against the current state',
  412: 'If-Match names another version',
  413: 'The body is larger than it may be',
  415: 'Not JSON',
  416: 'No such part',
  422: 'Well-formed, but breaks its schema',
  429: 'Too many requests or streams with this key',
  500: 'A bug',
  503: 'Not now: try again after Retry-After',
};

/** Of an execution `fields` may have left out members. */
const shapeOf = (schema: string) =>
  schema === 'Execution' ? { anyOf: [{ $ref: '#/components/schemas/Execution' }, { $ref: '#/components/schemas/ExecutionPart' }] } : { $ref: `#/components/schemas/${schema}` };

/** A JSON answer of this shape (a component of the document). */
export const Answers = (status: number, schema: string, description = schema) => ApiResponse({ status, description, schema: shapeOf(schema) });

/** A JSON answer of one of these shapes. */
export const AnswersOneOf = (status: number, schemas: readonly string[], description: string) => ApiResponse({ status, description, schema: { anyOf: schemas.map(shapeOf) } });

/** A list of this shape. */
export const AnswersList = (item: string) => ApiResponse({ status: 200, description: `A page of ${item}`, schema: { $ref: `#/components/schemas/${item}List` } });

/** The problems that every route with a key may answer, and these. */
export const Problems = (...statuses: number[]) =>
  applyDecorators(
    ...[...new Set([400, 401, 403, 429, 500, 503, ...statuses])]
      .sort()
      .map((status) =>
        ApiResponse({ status, description: problems[status] ?? 'Problem', content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } }),
      ),
  );

/** The route takes an Idempotency-Key. */
export const TakesIdempotencyKey = () =>
  ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    schema: { type: 'string', pattern: '^[!-~]{1,255}$' },
    description: 'Kept for 24 hours with a fingerprint of the body',
  });

/** The answer's times are in this zone. */
export const TimeZone = () => ApiHeader({ name: 'Time-Zone', required: false, schema: { type: 'string' }, description: 'IANA time zone; ?timezone wins' });

/** The route may wait for the end. */
export const Prefer = () => ApiHeader({ name: 'Prefer', required: false, schema: { type: 'string' }, example: 'wait=30', description: 'wait=<seconds>; ?wait wins' });

import { describe, expect, it } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { validateSync } from 'class-validator';
import { SecretBody } from '../definitions/secrets.controller.js';
import { CreateExecutionOfBody } from '../executions/create.dto.js';
import { ListQuery } from '../executions/list.dto.js';
import { Problem } from './problem.js';
import { readBody } from './validation.js';

const values = [
  undefined,
  '',
  'x',
  'x'.repeat(2000),
  0,
  -1,
  1.5,
  1e12,
  Number.NaN,
  true,
  {},
  { a: 'x'.repeat(20_000) },
  [],
  ['x'],
  ['x', 1],
  [''],
  new Array(60).fill('x'),
  new Map(),
];

describe('a body or query', () => {
  it.each<[string, Type<object>, readonly string[]]>([
    ['a create', CreateExecutionOfBody, ['input', 'metadata', 'tags', 'session_id', 'queue_name', 'priority', 'run_timeout_seconds', 'budget_usd', 'workflow_id']],
    ['a list', ListQuery, ['status', 'workflow_id', 'metadata', 'created_after', 'sort', 'limit', 'page', 'fields']],
    ['a secret', SecretBody, ['value']],
  ])('of %s is refused where class-validator finds something, and only there', (_, dto, members) => {
    for (const name of members)
      for (const value of values) {
        const given = value === undefined ? {} : { [name]: value };
        const isRefused = validateSync(Object.assign(new dto(), given)).length > 0;
        const read = () => readBody(dto, given);
        if (isRefused) expect(read).toThrow(Problem);
        else expect(read()).toEqual(Object.assign(new dto(), given));
      }
  });
});

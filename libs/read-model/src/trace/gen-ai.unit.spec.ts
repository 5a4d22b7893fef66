import { describe, expect, it } from '@jest/globals';
import * as conventions from '@opentelemetry/semantic-conventions/incubating';
import { names } from './gen-ai.js';

describe('the names of attributes', () => {
  it('are those of the OpenTelemetry semantic conventions', () => {
    const known = new Set(Object.values(conventions));
    expect(Object.values(names).filter((name) => !known.has(name))).toEqual([]);
  });
});

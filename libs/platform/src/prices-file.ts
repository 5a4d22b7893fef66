import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Unusable } from './unusable.js';

/** Decimal places of a number as it is written. */
const placesOf = (value: number): number => {
  const [mantissa = '', exponent = '0'] = String(value).split('e');
  return (mantissa.split('.')[1] ?? '').length - Number(exponent);
};

/** Zod is loaded where a file is named: it takes 3 MB. */
const rules = () => {
  const { z } = createRequire(import.meta.url)('zod') as typeof import('zod');
  const usdPerMillion = z
    .number('expected a number of USD per million tokens')
    .min(0, 'expected no negative price')
    .max(1_000_000, 'expected a price per million tokens, in USD')
    .refine((price) => placesOf(price) <= 9, 'expected at most 9 decimal places');

  return z
    .array(
      z.strictObject({
        model: z.string().min(1, 'expected the name of a model'),
        input: usdPerMillion,
        cache_read: usdPerMillion.optional(),
        cache_write: usdPerMillion.optional(),
        output: usdPerMillion,
        reasoning: usdPerMillion.optional(),
      }),
      'expected an array of {model, input, cache_read?, cache_write?, output, reasoning?}',
    )
    .superRefine((all, context) => {
      const seen = new Map<string, number>();
      for (const [index, { model }] of all.entries()) {
        if (seen.has(model)) context.addIssue({ code: 'custom', path: [index, 'model'], message: `expected one price of '${model}', but /${seen.get(model)} has one, too` });
        seen.set(model, index);
      }
    });
};

/** The JSON file of prices at that path, read and checked; each problem names the place in the file by a JSON pointer. @throws Unusable */
export const pricesFile = (path: string) => {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Unusable([`expected a readable JSON file, but '${path}' is none: ${(error as Error).message}`]);
  }
  const checked = rules().safeParse(content);
  if (checked.success) return checked.data;
  throw new Unusable(checked.error.issues.map(({ path: place, message }) => `in '${path}', ${['', ...place].join('/') || '/'}: ${message}`));
};

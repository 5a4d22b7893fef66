import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** Decimal places of a number as it is written. */
const placesOf = (value: number): number => {
  const [mantissa = '', exponent = '0'] = String(value).split('e');
  return (mantissa.split('.')[1] ?? '').length - Number(exponent);
};

const usdPerMillion = z
  .number('expected a number of USD per million tokens')
  .min(0, 'expected no negative price')
  .max(1_000_000, 'expected a price per million tokens, in USD')
  .refine((price) => placesOf(price) <= 9, 'expected at most 9 decimal places');

const prices = z
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

/** The path of a JSON file of prices, read and checked; each problem names the place in the file by a JSON pointer. */
export const pricesFile = z.string().transform((path, context) => {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    context.addIssue({ code: 'custom', message: `expected a readable JSON file, but '${path}' is none: ${(error as Error).message}` });
    return z.NEVER;
  }
  const checked = prices.safeParse(content);
  if (checked.success) return checked.data;
  for (const { path: place, message } of checked.error.issues) context.addIssue({ code: 'custom', message: `in '${path}', ${['', ...place].join('/') || '/'}: ${message}` });
  return z.NEVER;
});

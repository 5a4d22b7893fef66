import type { Json } from '../definition.js';
import type { Problem } from '../problem.js';
import { urlProblem } from '../url-problem.js';

/** What is wrong with the choice of a model beside its shape. */
export function modelProblems({ provider, base_url: url }: { readonly [member: string]: Json }, pointer: string): Problem[] {
  if (provider === 'openai_compatible' && url === undefined)
    return [
      { pointer: `${pointer}/base_url`, detail: "Expected the URL of the provider's API (such as 'http://127.0.0.1:11434/v1'), because the provider is 'openai_compatible'" },
    ];
  const detail = typeof url === 'string' ? urlProblem(url, 'secret') : undefined;
  return detail === undefined ? [] : [{ pointer: `${pointer}/base_url`, detail }];
}

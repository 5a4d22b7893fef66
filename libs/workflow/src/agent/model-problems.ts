import type { Json } from '../definition.js';
import type { Problem } from '../problem.js';

/** What is wrong with the choice of a model beside its shape. */
export function modelProblems({ provider, base_url: url }: { readonly [member: string]: Json }, pointer: string): Problem[] {
  if (provider === 'openai_compatible' && url === undefined)
    return [
      { pointer: `${pointer}/base_url`, detail: "Expected the URL of the provider's API (such as 'http://127.0.0.1:11434/v1'), because the provider is 'openai_compatible'" },
    ];
  if (typeof url !== 'string') return [];
  const { protocol, username, password } = URL.canParse(url) ? new URL(url) : { protocol: '', username: '', password: '' };
  if (!/^https?:$/.test(protocol)) return [{ pointer: `${pointer}/base_url`, detail: `Expected a URL that starts with http:// or https://, but got '${url.slice(0, 100)}'` }];
  if (username === '' && password === '') return [];
  return [{ pointer: `${pointer}/base_url`, detail: "Expected a URL without a user and password, because everyone who reads the agent reads them; name a secret in 'secret'" }];
}

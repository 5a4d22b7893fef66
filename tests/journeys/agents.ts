import type { Running } from './standalone.js';

/** Publishes an agent whose model is at `baseUrl`; `at` is for another version of one. Resolves with what was published. */
export const publishAgent = async (
  { call }: Pick<Running, 'call'>,
  {
    key,
    baseUrl,
    model = {},
    at = '/agents',
    ...more
  }: { readonly key: string; readonly baseUrl: string; readonly model?: object; readonly at?: string; readonly [member: string]: unknown },
) => {
  const definition = { key, name: key, model: { provider: 'openai_compatible', name: 'gpt-4o-mini', base_url: baseUrl, ...model }, ...more };
  const { status, body } = await call('POST', `/api/v1${at}`, definition);
  if (status !== 201) throw new Error(`Expected to publish agent '${key}', but got ${status}: ${JSON.stringify(body)}`);
  return body;
};

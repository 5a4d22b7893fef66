import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
let loaded: typeof import('undici') | undefined;

/** The HTTP client, which takes 11 MB of memory: it is loaded with the first request that a node sends. */
export const undici = (): typeof import('undici') => {
  loaded ??= require('undici') as typeof import('undici');
  return loaded;
};

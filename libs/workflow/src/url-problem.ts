import { templateParts } from './expression/templates.js';

const isWeb = /^https?:\/\/[^/\s]/i;
/** A user or password that stands there as it is, where every template is a NUL. */
const writtenUser = /^[^/?#\\]*:[/\\]{2,}[^/?#\\\0]*@/;

/** What is wrong with a URL of a definition, or undefined. `secretIn` is the member that a secret belongs into. */
export function urlProblem(url: string, secretIn: string): string | undefined {
  if (!URL.canParse(url)) return isWeb.test(url) ? `Expected a URL, but got '${shownUrl(url)}'` : notWeb(url);
  if (!/^https?:$/.test(new URL(url).protocol)) return notWeb(url);
  return userProblem(url, secretIn);
}

/** The same of a URL that may hold templates. What their values come to is known at the run only. */
export function urlTemplateProblem(url: string, secretIn: string): string | undefined {
  if (!url.startsWith('{{') && !isWeb.test(url)) return notWeb(url);
  if (!url.includes('{{')) return urlProblem(url, secretIn);
  const { parts } = templateParts(url);
  return writtenUser.test(parts.map((part) => (typeof part === 'string' ? part : '\0')).join('')) ? noUser(secretIn) : undefined;
}

/** Undefined, unless a URL that can be parsed holds a user or a password. The problem does not repeat them. */
export function userProblem(url: string, secretIn: string): string | undefined {
  const { username, password } = new URL(url);
  return username === '' && password === '' ? undefined : noUser(secretIn);
}

/** The beginning of what should be a URL, without what may be a user and password in it. */
export const shownUrl = (text: string): string => text.replace(/^([a-z][a-z0-9+.-]*:[/\\]+)?[\s\S]*@/i, '$1***@').slice(0, 100);

const notWeb = (url: string): string => `Expected a URL that starts with http:// or https://, but got '${shownUrl(url)}'`;

const noUser = (secretIn: string): string =>
  `Expected a URL without a user and password, because everyone who reads definitions and executions reads them; name a secret in '${secretIn}'`;

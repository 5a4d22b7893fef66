import { malformed } from '../http/problem.js';
import type { ApiRequest } from '../http/request.js';

const LONGEST_S = 600;

/** For how long a create waits, and the header that says so if `Prefer` asked. */
export interface Waiting {
  readonly seconds: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** `?wait` > `Prefer: wait` > what is usual; whole seconds, cut to 600; anything else is a 400 problem. */
export const waitingOf = (request: Pick<ApiRequest, 'get' | 'wantsAnswerAtOnce'>, wait: string | undefined, usual = 0): Waiting => {
  if (request.wantsAnswerAtOnce) return { seconds: 0, headers: {} };
  if (wait !== undefined) return { seconds: secondsIn(wait, 'wait'), headers: {} };
  const preferred = preferredWait(request.get('prefer'));
  if (preferred === undefined) return { seconds: usual, headers: {} };
  const seconds = secondsIn(preferred, 'Prefer');
  return { seconds, headers: { 'Preference-Applied': `wait=${seconds}` } };
};

const preferredWait = (header: string | undefined): string | undefined =>
  header
    ?.split(/[,;]/)
    .map((part) => /^\s*wait\s*=\s*"?([^"\s]*)"?\s*$/i.exec(part)?.[1])
    .find((value) => value !== undefined);

const secondsIn = (text: string, from: string): number => {
  if (!/^\d+$/.test(text)) throw malformed('invalid_wait', from, `Expected '${from}' to be a whole number of seconds, but got '${text}'`);
  return Math.min(Number(text), LONGEST_S);
};

import { Problem } from '../http/problem.js';
import type { Principal } from './principal.js';

/** What is there for the workspace as a whole is not for a key of one pod. Throws a 403 problem; `why` ends "Expected a key of the whole workspace ...". */
export const checkWholeWorkspace = ({ podId }: Pick<Principal, 'podId'>, why: string): void => {
  if (podId !== null) throw new Problem('forbidden', 'forbidden', `Expected a key of the whole workspace ${why}, but this one is of one pod`);
};

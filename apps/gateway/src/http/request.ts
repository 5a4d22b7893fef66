import type { Request } from 'express';
import type { Principal } from '../auth/principal.js';
import type { Dialect } from '../dialects/dialect.js';
import type { Act } from '../people/audit-trail.js';
import type { KeptLine } from './kept-line.js';

/** An express request after the gateway's own steps. */
export type ApiRequest = Request & {
  requestId: string;
  /** Its place in a trace, W3C: what it causes goes on from here. */
  traceparent: string;
  /** Set by the key guard on every route but the public ones. */
  principal?: Principal;
  /** What it speaks, once that is settled: with the key known, and before the choice is taken out of the query. */
  dialect?: Dialect;
  /** Our names to those that the request used instead, for problems with its body or query. */
  names?: ReadonlyMap<string, string>;
  /** The body wants its answer at once, whatever else asks to wait. */
  wantsAnswerAtOnce?: boolean;
  /** What is to be written down about it, before its answer leaves. */
  act?: Act;
  /** Says something while the answer is awaited. */
  line?: KeptLine;
};

/** The address that links in answers begin with: `RUNLOG_PUBLIC_URL`, else what the client itself called. */
export const addressOf = (request: Request, publicUrl: string | undefined): string => publicUrl ?? `http://${request.headers.host ?? 'localhost'}`;

import { EgressDenied } from '../../egress/policy.js';
import { retryAfterMs } from '../../http/response.js';

/** A model's answer had more bytes than a runner takes. */
export class AnswerTooLarge extends Error {
  constructor(limit: number) {
    super(`it gave more than ${limit} bytes`);
  }
}

/** What answered a call is no stream of events: nothing that speaks the provider's protocol is there. */
export class NoStream extends Error {
  constructor(contentType: string) {
    super(`it answered with ${contentType === '' ? 'no content type' : `'${contentType.slice(0, 100)}'`} instead of a stream of events`);
  }
}

/** One model call failed. `message` says what to do about it. */
export class ModelFailed extends Error {
  constructor(
    readonly code: string,
    message: string,
    /** Whether the same call may succeed a little later. */
    readonly retryable: boolean,
    /** `none`: the provider did no work for it; `unknown`: it may have, and may charge for it. */
    readonly work: 'none' | 'unknown',
    readonly retryAfterMs?: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The model that was called, as messages name it. */
export interface Called {
  readonly provider: string;
  readonly name: string;
  readonly host: string;
  /** The secret that holds its key. */
  readonly secret: string | undefined;
}

const MAX_SAID_CHARS = 500;

/** What was thrown by a call, or by the stream that it gave (`isStreaming`). */
export const modelFailure = (thrown: unknown, called: Called, isStreaming: boolean): ModelFailed => {
  if (thrown instanceof ModelFailed) return thrown;
  const chain = causes(thrown);
  const model = `model '${called.name}' at ${called.host}`;
  const denied = chain.find((error) => error instanceof EgressDenied);
  if (denied) return new ModelFailed('model_forbidden', (denied as Error).message, false, 'none', undefined, { cause: thrown });
  const large = chain.find((error) => error instanceof AnswerTooLarge);
  if (large) return new ModelFailed('model_answer_too_large', `Expected ${model} to give a bounded answer, but ${(large as Error).message}`, false, 'unknown');
  const other = chain.find((error) => error instanceof NoStream);
  if (other)
    return new ModelFailed(
      'model_unknown',
      `Expected ${model} to speak the API of '${called.provider}', but ${(other as Error).message}; see the agent's 'base_url' (it often ends with '/v1')`,
      false,
      'unknown',
    );
  const answered = chain.find((error): error is Answered => typeof member(error, 'statusCode') === 'number' && (member(error, 'statusCode') as number) >= 300);
  if (answered) return ofStatus(answered, model, called);
  const code = chain.map((error) => member(error, 'code')).find((one) => typeof one === 'string');
  const text = said(chain);
  if (isStreaming) return new ModelFailed('model_cut_off', `Expected ${model} to end its answer, but ${text}`, true, 'unknown', undefined, { cause: thrown });
  if (typeof code === 'string' && unconnected.test(code))
    return new ModelFailed('model_unreachable', `Expected ${model} to be reachable, but ${text}; see whether the server runs, and the agent's 'base_url'`, true, 'none');
  return new ModelFailed('model_cut_off', `Expected ${model} to answer, but ${text}`, true, 'unknown', undefined, { cause: thrown });
};

/** Of an error that came as a part of the stream: providers send some with status 200. */
export const failureInStream = (error: unknown, called: Called): ModelFailed => {
  const model = `model '${called.name}' at ${called.host}`;
  const type = String(member(error, 'type') ?? member(error, 'code') ?? '');
  const text = said([error]);
  if (/overloaded|rate_limit/.test(type)) return new ModelFailed('model_unavailable', `Expected ${model} to answer, but it said '${text}'`, true, 'unknown');
  if (/invalid_request|authentication|permission|not_found/.test(type))
    return new ModelFailed('model_request_refused', `Expected ${model} to take the request, but it said '${text}'`, false, 'none');
  return new ModelFailed('model_cut_off', `Expected ${model} to end its answer, but ${text}`, true, 'unknown');
};

interface Answered {
  readonly statusCode: number;
  readonly responseHeaders?: { readonly [name: string]: string };
  readonly responseBody?: string;
  readonly message: string;
}

const unconnected = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT|CERT_|ERR_TLS_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

const ofStatus = ({ statusCode, responseHeaders, responseBody, message }: Answered, model: string, called: Called): ModelFailed => {
  const text = (message || responseBody || '').slice(0, MAX_SAID_CHARS);
  const wait = retryAfterMs(responseHeaders?.['retry-after'], Date.now());
  const failed = (code: string, what: string, retryable: boolean) => new ModelFailed(code, `Expected ${model} to ${what}`, retryable, 'none', wait);
  const later = "; retry the execution later, or give the agent a 'fallback'";
  if (statusCode === 401 || statusCode === 403)
    return failed(
      'model_unauthorized',
      `accept ${called.secret === undefined ? "a request without a key; name one in the model's 'secret'" : `the key in secret '${called.secret}'; put the right one with PUT /api/v1/secrets/${called.secret}`}, but it answered ${statusCode}: ${text}`,
      false,
    );
  if (statusCode < 400)
    return failed(
      'model_unknown',
      `be at its 'base_url', but it answered ${statusCode}, and redirects are not followed; publish a version of the agent with the address itself`,
      false,
    );
  if (statusCode === 404 || /model_not_found|model.{0,20}not.{0,5}(found|exist)/i.test(`${responseBody}`))
    return failed('model_unknown', `be there; publish a version of the agent with a 'model.name' and 'base_url' that are; it answered ${statusCode}: ${text}`, false);
  if (/insufficient_quota/.test(`${responseBody}`)) return failed('model_quota_exhausted', `have quota left; raise it at the provider; it answered ${statusCode}: ${text}`, false);
  if (statusCode === 429) return failed('model_rate_limited', `take the request, but it answered 429: ${text}${later}`, true);
  if (statusCode === 408 || statusCode === 409 || statusCode >= 500) return failed('model_unavailable', `answer, but it answered ${statusCode}: ${text}${later}`, true);
  return failed('model_request_refused', `take the request, but it answered ${statusCode}: ${text}; see the 'model' of the agent, its 'parameters' and its input`, false);
};

const member = (value: unknown, name: string): unknown => (typeof value === 'object' && value !== null ? (value as { [member: string]: unknown })[name] : undefined);

/** The error and what caused it, outermost first. */
const causes = (thrown: unknown): unknown[] => {
  const chain: unknown[] = [];
  for (let error = thrown; error !== undefined && error !== null && chain.length < 8; error = member(error, 'cause') ?? (member(error, 'errors') as unknown[] | undefined)?.[0])
    chain.push(error);
  return chain;
};

const said = (chain: readonly unknown[]): string => {
  const texts = chain.map((error) => (typeof error === 'string' ? error : String(member(error, 'message') ?? ''))).filter((text) => text !== '');
  return (texts.at(-1) ?? 'it broke off').slice(0, MAX_SAID_CHARS);
};

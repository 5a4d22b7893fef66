import { randomUUID } from 'node:crypto';
import type { Request, Response } from 'express';
import type { ApiRequest } from './request.js';

/** Every answer names its request: the caller's own X-Request-Id if it is a plain word, else a new one. */
export const nameRequest = (request: Request, response: Response): void => {
  const given = request.headers['x-request-id'];
  const id = typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
  (request as ApiRequest).requestId = id;
  response.setHeader('X-Request-Id', id);
};

import { randomUUID } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';
import type { ApiRequest } from './request.js';

/** Every answer names its request: the caller's own X-Request-Id if it is a plain word, else a new one. */
export const requestId = (request: Request, response: Response, next: NextFunction): void => {
  const given = request.get('x-request-id');
  const id = given !== undefined && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
  (request as ApiRequest).requestId = id;
  response.setHeader('X-Request-Id', id);
  next();
};

import type { Request, Response } from 'express';
import { isChoosable } from '../dialects/spoken.js';

/** Who asks, and where that is shown: every answer with a key goes by them. */
const always = 'Authorization, X-API-Key, kinetic-api-key, Time-Zone';

/** Says by which headers answers differ, so that whoever keeps them keeps them apart: where a dialect or a stream may be asked for, by `Accept` too. */
export const sayWhatVaries = (request: Request, response: Response): void => {
  if (/^\/(api|v1|workspaces)\//i.test(request.path)) response.setHeader('Vary', isChoosable(request) ? `Accept, ${always}` : always);
};

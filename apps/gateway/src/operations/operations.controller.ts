import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { HealthRegistry, Registry } from '@runlog/platform';
import type { Response } from 'express';
import { keyOf } from '../auth/key.guard.js';
import { KeyRing } from '../auth/key-ring.js';
import { Public } from '../auth/requires.js';
import { Problem } from '../http/problem.js';
import type { ApiRequest } from '../http/request.js';
import { Answers, Problems } from '../http/responses.js';

/** What the process can say about itself. */
export class Observed {
  constructor(
    readonly health: HealthRegistry,
    readonly metrics: Registry,
  ) {}
}

@ApiTags('operations')
@Controller()
export class OperationsController {
  constructor(
    private readonly observed: Observed,
    private readonly keys: KeyRing,
  ) {}

  @Get('health/live')
  @Public()
  @ApiOperation({ operationId: 'live', summary: 'Restart it when this is down' })
  @Answers(200, 'Health', 'Up')
  @Answers(503, 'Health', 'Down')
  live(@Res() response: Response): Promise<void> {
    return this.report('live', response);
  }

  @Get('health/ready')
  @Public()
  @ApiOperation({ operationId: 'ready', summary: 'Send it no traffic while this is down' })
  @Answers(200, 'Health', 'Up')
  @Answers(503, 'Health', 'Down')
  ready(@Res() response: Response): Promise<void> {
    return this.report('ready', response);
  }

  /** From this machine, or with a key. */
  @Get('metrics')
  @Public()
  @ApiOperation({ operationId: 'metrics', summary: 'For Prometheus; from this machine, or with a key' })
  @ApiResponse({ status: 200, description: 'In the text format', content: { 'text/plain': { schema: { type: 'string' } } } })
  @Problems(401)
  async metrics(@Req() request: ApiRequest, @Res() response: Response): Promise<void> {
    if (!isLoopback(request.socket.remoteAddress)) {
      const key = keyOf(request);
      if (key === undefined || !(await this.keys.principalOf(key)))
        throw new Problem('unauthenticated', 'unauthenticated', 'Expected an API key, because this is another machine', {
          headers: { 'WWW-Authenticate': 'Bearer realm="runlog"' },
        });
    }
    response.status(200).set({ 'Content-Type': this.observed.metrics.contentType, 'Cache-Control': 'no-store' });
    response.end(await this.observed.metrics.metrics());
  }

  private async report(kind: 'live' | 'ready', response: Response): Promise<void> {
    const report = await this.observed.health.report(kind);
    response
      .status(report.status === 'up' ? 200 : 503)
      .set('Cache-Control', 'no-store')
      .json(report);
  }
}

const isLoopback = (address: string | undefined): boolean => address !== undefined && /^(::1$|(::ffff:)?127\.)/.test(address);

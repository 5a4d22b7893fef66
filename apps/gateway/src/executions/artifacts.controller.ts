import { pipeline } from 'node:stream/promises';
import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { ArtifactResource, ListResource } from '@runlog/contract';
import type { Response } from 'express';
import { Caller, type Principal } from '../auth/principal.js';
import { Requires } from '../auth/requires.js';
import { byteRange } from '../http/byte-range.js';
import { Problem } from '../http/problem.js';
import { type ApiRequest, addressOf } from '../http/request.js';
import { AnswersList, Problems } from '../http/responses.js';
import { Artifacts } from './artifacts.js';
import { Links, namesTag } from './presentation.js';

@ApiTags('executions')
@Controller('api/v1/executions/:execution_id/artifacts')
export class ArtifactsController {
  constructor(
    private readonly artifacts: Artifacts,
    private readonly links: Links,
  ) {}

  @Get()
  @Requires('executions:read')
  @ApiOperation({ operationId: 'listArtifacts', summary: 'Inputs, outputs and answers that are too large for the history' })
  @AnswersList('Artifact')
  @Problems(404)
  list(@Req() request: ApiRequest, @Caller() who: Principal, @Param('execution_id') ref: string): Promise<ListResource<ArtifactResource>> {
    return this.artifacts.list(who, ref, addressOf(request, this.links.publicUrl));
  }

  @Get(':name')
  @Requires('executions:read')
  @ApiOperation({
    operationId: 'getArtifact',
    summary: 'A body of any size, whole or in part: input.json, output.json, nodes.<node_id>.json, gates.<gate_id>.json',
  })
  @ApiHeader({ name: 'Range', required: false, schema: { type: 'string' }, example: 'bytes=0-1023', description: 'One range; several are answered with all of it' })
  @ApiResponse({ status: 200, description: 'All of it', content: { 'application/json': { schema: {} } } })
  @ApiResponse({ status: 206, description: 'The part that was asked for', content: { 'application/json': { schema: { type: 'string' } } } })
  @ApiResponse({ status: 304, description: 'The caller has it' })
  @Problems(404, 416)
  async one(@Req() request: ApiRequest, @Res() response: Response, @Caller() who: Principal, @Param('execution_id') ref: string, @Param('name') name: string): Promise<void> {
    const { reference, open } = await this.artifacts.one(who, ref, name);
    const { bytes, digest } = reference;
    const tag = `"${digest}"`;
    response.set({
      ETag: tag,
      'Accept-Ranges': 'bytes',
      'Cache-Control': 'private, no-cache',
      'Content-Disposition': `inline; filename="${name}"`,
    });
    // Not by `set`, which would name a charset: JSON has none.
    response.setHeader('Content-Type', reference.media_type);
    if (namesTag(request.get('if-none-match'), tag)) return void response.status(304).end();
    const isSame = request.get('if-range') === undefined || request.get('if-range') === tag;
    const part = isSame ? byteRange(request.get('range'), bytes) : undefined;
    if (part === null) {
      response.removeHeader('Content-Disposition');
      throw new Problem('range', 'range_not_satisfiable', `Expected a range within ${bytes} bytes, but got '${request.get('range')}'`, {
        headers: { 'Content-Range': `bytes */${bytes}` },
      });
    }
    const length = part ? part.to - part.from + 1 : bytes;
    response.status(part ? 206 : 200).set({ 'Content-Length': String(length), ...(part ? { 'Content-Range': `bytes ${part.from}-${part.to}/${bytes}` } : {}) });
    if (request.method === 'HEAD' || length === 0) return void response.end();
    await pipeline(await open(part), response).catch((error: NodeJS.ErrnoException) => {
      // Whoever asked has gone.
      if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
    });
  }
}

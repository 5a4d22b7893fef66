import type { Principal } from '../auth/principal.js';
import { Answer } from '../http/answer.js';
import type { ApiRequest } from '../http/request.js';
import { type ExecutionReader, staleHeader } from './execution-reader.js';
import type { GetQuery } from './list.dto.js';
import { etagOf, type Links, namesTag, presentationOf } from './presentation.js';
import { needsNodes, type Presenter } from './presenter.js';

/** One execution, now, then, or not before; nothing again where the caller has it. */
export class Gets {
  constructor(
    private readonly reader: ExecutionReader,
    private readonly presenter: Presenter,
    private readonly links: Links,
  ) {}

  async get(request: ApiRequest, who: Principal, ref: string, query: GetQuery): Promise<Answer> {
    const how = presentationOf(request, query, this.links.publicUrl, true);
    const found = await this.reader.one(who, ref, { nodes: needsNodes(how), atVersion: query.at_version, minVersion: query.min_version });
    const headers = { ETag: etagOf(found.view.version, how), 'Cache-Control': 'private, no-cache', ...staleHeader(found) };
    if (namesTag(request.get('if-none-match'), headers.ETag)) return new Answer(304, undefined, headers);
    return new Answer(200, await this.presenter.one(found.view, how), headers);
  }
}

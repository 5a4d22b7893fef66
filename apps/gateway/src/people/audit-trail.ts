import type { ExecutionContext } from '@nestjs/common';
import type { Logger } from '@runlog/platform';
import type { Catalog } from '@runlog/read-model';
import { actorOf, type Principal } from '../auth/principal.js';
import type { ApiRequest } from '../http/request.js';

type AuditEntry = Parameters<Catalog['recordAudit']>[0];

export const isWrite = ({ method }: Pick<ApiRequest, 'method'>): boolean => method !== 'GET' && method !== 'HEAD';

/** Writes down who asked for what, and the status of the answer. */
export class AuditTrail {
  constructor(
    private readonly catalog: Catalog,
    private readonly logger: Logger,
  ) {}

  /** Rejects when the entry can't be kept. */
  keep(context: ExecutionContext, who: Principal, status: number): Promise<void> {
    return this.catalog.recordAudit(entryOf(context, who, status));
  }

  /** The same of a request that was refused or has failed, which says more to its caller than that it could not be kept: that is told to the operator. */
  async keepFailure(context: ExecutionContext, who: Principal, status: number): Promise<void> {
    const entry = entryOf(context, who, status);
    try {
      await this.catalog.recordAudit(entry);
    } catch (error) {
      this.logger.error({ err: error, ...entry }, 'a request that was refused or has failed is missing in the audit log');
    }
  }
}

const entryOf = (context: ExecutionContext, who: Principal, status: number): AuditEntry => {
  const { method, path, requestId } = context.switchToHttp().getRequest<ApiRequest>();
  const operation = Reflect.getMetadata('swagger/apiOperation', context.getHandler()) as { operationId?: string } | undefined;
  return {
    workspace_id: who.workspaceId,
    at: Date.now(),
    actor: actorOf(who),
    key_prefix: who.prefix,
    action: operation?.operationId ?? `${method} ${path}`,
    target: path,
    status,
    request_id: requestId,
  };
};

import type { ExecutionContext } from '@nestjs/common';
import type { Logger } from '@runlog/platform';
import type { Catalog } from '@runlog/read-model';
import { actorOf, type Principal } from '../auth/principal.js';
import { permissionOf } from '../auth/requires.js';
import type { ApiRequest } from '../http/request.js';

type AuditEntry = Parameters<Catalog['recordAudit']>[0];

/** A request that is written down, whatever becomes of it: once. */
export interface Act {
  /** Rejects when the entry can't be kept: a write that nobody could see is answered with a 500. */
  keep(status: number): Promise<void>;
  keepFailure(status: number): Promise<void>;
}

export const isWrite = ({ method }: Pick<ApiRequest, 'method'>): boolean => method !== 'GET' && method !== 'HEAD';

/** Writes down who asked for what, and the status of the answer. */
export class AuditTrail {
  constructor(
    private readonly catalog: Catalog,
    private readonly logger: Logger,
  ) {}

  /** Every write is one but creates of executions, which say themselves who did it (`created_by`). */
  actOf(context: ExecutionContext): Act | undefined {
    const request = context.switchToHttp().getRequest<ApiRequest>();
    const who = request.principal;
    if (!isWrite(request) || !who || permissionOf(context.getHandler()) === 'executions:create') return undefined;
    return {
      keep: async (status) => {
        await this.catalog.recordAudit(entryOf(context, who, status));
        request.act = undefined;
      },
      keepFailure: (status) => this.keepFailure(context, who, status),
    };
  }

  /** Of a request that was refused or has failed, which says more to its caller than that it could not be kept: that is told to the operator. */
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

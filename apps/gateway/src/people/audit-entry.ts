import type { ExecutionContext } from '@nestjs/common';
import type { Catalog } from '@runlog/read-model';
import { actorOf, type Principal } from '../auth/principal.js';
import type { ApiRequest } from '../http/request.js';

type AuditEntry = Parameters<Catalog['recordAudit']>[0];

export const isWrite = ({ method }: Pick<ApiRequest, 'method'>): boolean => method !== 'GET' && method !== 'HEAD';

/** Who asked for what, and the status of the answer. */
export const auditEntry = (context: ExecutionContext, who: Principal, status: number): AuditEntry => {
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

import { createParamDecorator, type ExecutionContext, Injectable, type PipeTransform } from '@nestjs/common';
import { Catalog } from '@runlog/read-model';
import type { Principal } from '../../auth/principal.js';
import { unknown } from '../../http/problem.js';
import type { ApiRequest } from '../../http/request.js';
import { slugRef } from '../../ids.js';

/** Who asks, and what the path names. */
interface Asked {
  readonly who: Principal;
  readonly workspace: string;
  readonly pod: string;
}

/** Narrows a principal to the pod that the path names. Throws a 404 problem for what is unknown, another tenant's, or not the key's pod. */
@Injectable()
class WithinPod implements PipeTransform<Asked, Promise<Principal>> {
  constructor(private readonly catalog: Catalog) {}

  /** Both by id, KSUID or slug. */
  async transform({ who, workspace: workspaceRef, pod: podRef }: Asked): Promise<Principal> {
    const [namedWorkspace, namedPod] = [slugRef(workspaceRef), slugRef(podRef)];
    const workspace = namedWorkspace === null ? null : await this.catalog.workspace(namedWorkspace);
    if (workspace?.id !== who.workspaceId) throw unknown('workspace', workspaceRef);
    const pod = namedPod === null ? null : await this.catalog.pod(who.workspaceId, namedPod);
    if (!pod || (who.podId !== null && who.podId !== pod.id)) throw unknown('pod', podRef);
    return { ...who, podId: pod.id, createPodId: pod.id };
  }
}

const Asking = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const { principal, params } = context.switchToHttp().getRequest<ApiRequest>();
  return { who: principal, workspace: params.wId, pod: params.podId };
});

/** The principal of a request below `/workspaces/:wId/pods/:podId`, within that pod. */
export const PodCaller = () => Asking(WithinPod);

import type { Catalog } from '@runlog/read-model';
import type { Principal } from '../../auth/principal.js';
import { unknown } from '../../http/problem.js';
import { slugRef } from '../../ids.js';

/** Who asks, within the pod that a path names: what is elsewhere is not there. */
export class PodScopes {
  constructor(private readonly catalog: Pick<Catalog, 'workspace' | 'pod'>) {}

  /** Both by id, KSUID or slug. Throws a 404 problem for what is unknown, another tenant's, or not the key's pod. */
  async scope(who: Principal, workspaceRef: string, podRef: string): Promise<Principal> {
    const [namedWorkspace, namedPod] = [slugRef(workspaceRef), slugRef(podRef)];
    const workspace = namedWorkspace === null ? null : await this.catalog.workspace(namedWorkspace);
    if (workspace?.id !== who.workspaceId) throw unknown('workspace', workspaceRef);
    const pod = namedPod === null ? null : await this.catalog.pod(who.workspaceId, namedPod);
    if (!pod || (who.podId !== null && who.podId !== pod.id)) throw unknown('pod', podRef);
    return { ...who, podId: pod.id, createPodId: pod.id };
  }
}

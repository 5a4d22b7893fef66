import type { Catalog } from '@runlog/read-model';
import type { Principal } from '../../auth/principal.js';
import { unknown } from '../../http/problem.js';
import { isUuid, uuidOfKsuid } from '../../ids.js';

/** Who asks, within the pod that a path names: what is elsewhere is not there. */
export class PodScopes {
  constructor(private readonly catalog: Pick<Catalog, 'workspace' | 'pod'>) {}

  /** Both by id, KSUID or slug. Throws a 404 problem for what is unknown, another tenant's, or not the key's pod. */
  async scope(who: Principal, workspaceRef: string, podRef: string): Promise<Principal> {
    const workspace = await this.catalog.workspace(refOf(workspaceRef));
    if (workspace?.id !== who.workspaceId) throw unknown('workspace', workspaceRef);
    const pod = await this.catalog.pod(who.workspaceId, refOf(podRef));
    if (!pod || (who.podId !== null && who.podId !== pod.id)) throw unknown('pod', podRef);
    return { ...who, podId: pod.id, createPodId: pod.id };
  }
}

/** A slug may look like a KSUID, but not like both. */
const refOf = (ref: string): string => (isUuid(ref) ? ref.toLowerCase() : (uuidOfKsuid(ref) ?? ref));

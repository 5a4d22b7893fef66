import type { Readable } from 'node:stream';
import type { BodyReference, Instant, WorkspaceId } from '@runlog/execution';

/** A stored body as the collection of garbage sees it. */
export interface StoredArtifact {
  readonly workspaceId: WorkspaceId;
  readonly digest: string;
  /** When it was last stored: storing it again renews this. */
  readonly storedAt: Instant;
}

/**
 * Bodies too large for an event, by the digest of their bytes. Nobody reads another workspace's, even with the digest in hand.
 * What is stored never changes; storing the same again is the same.
 */
export interface ArtifactStore {
  /** Bytes of the largest body. */
  readonly limitBytes: number;
  /** Resolves when it would survive the loss of power. @throws BodyTooLarge, ArtifactsUnwritable */
  put(workspaceId: WorkspaceId, content: Buffer | string, mediaType?: string): Promise<BodyReference>;
  /** As good as stored now, if it is there. A body that this has said true of is kept for the time of grace. */
  renew(workspaceId: WorkspaceId, reference: BodyReference): Promise<boolean>;
  /** All of it, checked against the digest. @throws ArtifactMissing */
  read(workspaceId: WorkspaceId, reference: BodyReference): Promise<Buffer>;
  /** Bytes `from` to `to`, both included; unchecked. @throws ArtifactMissing */
  open(workspaceId: WorkspaceId, reference: BodyReference, range?: { readonly from: number; readonly to: number }): Promise<Readable>;
  /** Whatever was stored last before `before`. */
  storedBefore(before: Instant): AsyncIterable<StoredArtifact>;
  /** False: it is not there, or was stored again since it was listed, and is kept. */
  remove(artifact: StoredArtifact): Promise<boolean>;
  /** True, or why the last body could not be stored. */
  health(): true | string;
}

/** The body is larger than the store takes; nothing was stored. */
export class BodyTooLarge extends Error {
  constructor(
    readonly bytes: number,
    readonly limitBytes: number,
  ) {
    super(`Expected a body of at most ${limitBytes} bytes, but it has ${bytes}`);
  }
}

/** The store takes nothing at present: no space, no access. Trying again later helps once somebody has seen to it. */
export class ArtifactsUnwritable extends Error {}

/** There is no such body in this workspace, or its bytes are not those of its digest. */
export class ArtifactMissing extends Error {
  constructor(
    readonly digest: string,
    because: string,
  ) {
    super(`Expected body '${digest}' in the artifact store, but ${because}; RUNLOG_ARTIFACTS must name the same folder for every service`);
  }
}

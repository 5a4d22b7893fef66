import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { ArtifactMissing, type ArtifactStore, type StoredArtifact } from '@runlog/artifacts';
import type { Host } from './host.js';

/** The folder that all processes share. */
export class Shelf {
  readonly #bodies = new Map<string, { readonly bytes: Buffer; storedAt: number }>();

  constructor(private readonly clock: () => number) {}

  get all(): StoredArtifact[] {
    return [...this.#bodies].map(([key, { storedAt }]) => ({ workspaceId: key.slice(0, key.indexOf('/')), digest: key.slice(key.indexOf('/') + 1), storedAt }));
  }

  put(workspaceId: string, bytes: Buffer): string {
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    this.#bodies.set(`${workspaceId}/${digest}`, { bytes, storedAt: this.clock() });
    return digest;
  }

  get(workspaceId: string, digest: string): Buffer | undefined {
    return this.#bodies.get(`${workspaceId}/${digest}`)?.bytes;
  }

  remove({ workspaceId, digest, storedAt }: StoredArtifact): boolean {
    const key = `${workspaceId}/${digest}`;
    const held = this.#bodies.get(key);
    return held !== undefined && held.storedAt <= storedAt && this.#bodies.delete(key);
  }
}

/** The store as one process has it: any call may fail, be lost, or take effect after it was given up. */
export const artifactsOf = (host: Host, shelf: Shelf): ArtifactStore => {
  const read: ArtifactStore['read'] = (workspaceId, { digest }) =>
    host.call<Buffer>({
      port: 'artifacts',
      serve: (done, failed) => {
        const bytes = shelf.get(workspaceId, digest);
        if (bytes) done(bytes);
        else failed(new ArtifactMissing(digest, 'there is none'));
      },
    });
  return {
    limitBytes: 1024 * 1024,
    put: (workspaceId, content, mediaType = 'application/json') => {
      const bytes = Buffer.from(content as string);
      return host.call({ port: 'artifacts', serve: (done) => done({ digest: shelf.put(workspaceId, bytes), bytes: bytes.length, media_type: mediaType }) });
    },
    renew: (workspaceId, { digest }) =>
      host.call({
        port: 'artifacts',
        serve: (done) => {
          const bytes = shelf.get(workspaceId, digest);
          if (bytes) shelf.put(workspaceId, bytes);
          done(bytes !== undefined);
        },
      }),
    read,
    open: async (workspaceId, reference) => Readable.from(await read(workspaceId, reference)),
    async *storedBefore(before) {
      yield* await host.call<StoredArtifact[]>({ port: 'artifacts', serve: (done) => done(shelf.all.filter(({ storedAt }) => storedAt < before)) });
    },
    remove: (artifact) => host.call<boolean>({ port: 'artifacts', serve: (done) => done(shelf.remove(artifact)) }),
    health: () => true,
  };
};

import { hash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { BodyReference, WorkspaceId } from '@runlog/execution';
import { ArtifactMissing, type ArtifactStore, ArtifactsUnwritable, BodyTooLarge, type StoredArtifact } from './port.js';

const SCHEME = 'sha256:';
/** After a failure the store counts as troubled for so long, unless it takes a body before. */
const TROUBLED_MS = 30_000;
/** Of a file that is about to be removed. Whoever needs it finds it there, too; a crash leaves it until the next collection. */
const GONE = '.gone';

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';
const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT';

/** The digest that bytes are stored under. */
const digestOf = (bytes: Buffer): string => `${SCHEME}${hash('sha256', bytes, 'hex')}`;

/**
 * Bodies as files of one folder, `<workspace>/<two digits>/<sha256>`; in a cluster a folder that all services share. A file appears
 * under its name once its bytes are on the disk, so that a crash leaves nothing but files that nobody has heard of.
 */
export const fileArtifacts = (folder: string, limitBytes: number): ArtifactStore => {
  let trouble: { readonly because: string; readonly at: number } | undefined;

  const pathOf = (workspaceId: WorkspaceId, digest: string): string => {
    const hex = digest.slice(SCHEME.length);
    if (!/^[\w-]{1,64}$/.test(workspaceId) || !digest.startsWith(SCHEME) || !/^[0-9a-f]{64}$/.test(hex)) throw new ArtifactMissing(digest, 'that is no digest of one');
    return join(folder, workspaceId, hex.slice(0, 2), hex);
  };

  const write = async (path: string, bytes: Buffer): Promise<void> => {
    await makeFolders(dirname(path));
    const draft = join(dirname(path), `.${randomUUID()}`);
    try {
      const file = await open(draft, 'wx', 0o600);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, path);
    } catch (error) {
      // The failure itself says more; a draft that stays is collected like a body that nobody refers to.
      await rm(draft, { force: true }).catch(() => undefined);
      throw error;
    }
    await syncFolder(dirname(path));
  };

  return {
    limitBytes,

    async put(workspaceId, content, mediaType = 'application/json') {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content;
      if (bytes.length > limitBytes) throw new BodyTooLarge(bytes.length, limitBytes);
      const digest = digestOf(bytes);
      const path = pathOf(workspaceId, digest);
      try {
        if (!(await renew(path, bytes.length))) await write(path, bytes);
        trouble = undefined;
      } catch (cause) {
        const because = `Expected to store ${bytes.length} bytes in '${folder}' (RUNLOG_ARTIFACTS), but ${reasonOf(cause)}`;
        trouble = { because, at: Date.now() };
        throw new ArtifactsUnwritable(because, { cause });
      }
      return { digest, bytes: bytes.length, media_type: mediaType };
    },

    renew: (workspaceId, { digest, bytes }) => renew(pathOf(workspaceId, digest), bytes),

    async read(workspaceId, reference) {
      const bytes = await found(reference, pathOf(workspaceId, reference.digest), (path) => readFile(path));
      if (digestOf(bytes) !== reference.digest) throw new ArtifactMissing(reference.digest, 'the bytes of its file are others');
      return bytes;
    },

    async open(workspaceId, reference, range): Promise<Readable> {
      const file = await found(reference, pathOf(workspaceId, reference.digest), (path) => open(path));
      return createReadStream('', { fd: file, ...(range ? { start: range.from, end: range.to } : {}) });
    },

    async *storedBefore(before) {
      for (const workspaceId of await names(folder))
        for (const shelf of await names(join(folder, workspaceId)))
          for (const name of await names(join(folder, workspaceId, shelf))) {
            const path = join(folder, workspaceId, shelf, name);
            if (name.endsWith(GONE)) await putBack(path);
            // Somebody else may have taken it away.
            const storedAt = (await stat(path).catch(() => undefined))?.mtimeMs;
            if (storedAt === undefined || storedAt >= before) continue;
            if (/^[0-9a-f]{64}$/.test(name)) yield { workspaceId, digest: `${SCHEME}${name}`, storedAt } satisfies StoredArtifact;
            else await rm(path, { force: true });
          }
    },

    async remove({ workspaceId, digest, storedAt }) {
      const path = pathOf(workspaceId, digest);
      const gone = `${path}${GONE}`;
      try {
        await rename(path, gone);
      } catch (error) {
        if (isMissing(error)) return false;
        throw error;
      }
      // Nobody can renew it any more: who tries from here on stores it anew.
      if ((await stat(gone)).mtimeMs > storedAt) {
        await putBack(gone);
        return false;
      }
      await rm(gone);
      return true;
    },

    health: () => (trouble && Date.now() - trouble.at < TROUBLED_MS ? trouble.because : true),
  };
};

/** What is there already is as good as stored now; its time says so. False: it is not there. */
const renew = async (path: string, bytes: number): Promise<boolean> => {
  const now = new Date();
  try {
    await utimes(path, now, now);
    if ((await stat(path)).size !== bytes) return false;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
  await syncFolder(dirname(path));
  return true;
};

/** Unless it has been stored anew meanwhile. */
const putBack = async (gone: string): Promise<void> => {
  await link(gone, gone.slice(0, -GONE.length)).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error;
  });
  await rm(gone);
};

const makeFolders = async (path: string): Promise<void> => {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
};

const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
};

const found = async <Found>({ digest }: BodyReference, path: string, look: (path: string) => Promise<Found>): Promise<Found> => {
  for (const place of [path, `${path}${GONE}`, path])
    try {
      return await look(place);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  throw new ArtifactMissing(digest, 'there is none of that digest in the workspace');
};

/** Nothing but what is there: a folder may go while it is read. */
const names = async (folder: string): Promise<string[]> => {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (isMissing(error) || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
};

const reasonOf = (error: unknown): string => {
  const code = codeOf(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'there is no space left; make room there';
  if (code === 'EFBIG') return 'no file may be that large there';
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return `it can't be written to (${code}); give this user access, or name another folder`;
  return error instanceof Error ? error.message : String(error);
};

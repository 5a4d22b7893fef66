import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Bodies } from './bodies.js';
import { fileArtifacts } from './file-store.js';
import { ArtifactMissing, type ArtifactStore, ArtifactsUnwritable, BodyTooLarge, type StoredArtifact } from './port.js';

let folder: string;
let store: ArtifactStore;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runlog-artifacts-'));
  store = fileArtifacts(folder, 1_000_000);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const shelfOf = (workspace: string, digest: string): string => join(folder, workspace, digest.slice(7, 9));
const fileOf = (workspace: string, digest: string): string => join(shelfOf(workspace, digest), digest.slice(7));
const allBefore = async (before: number): Promise<StoredArtifact[]> => {
  const found: StoredArtifact[] = [];
  for await (const one of store.storedBefore(before)) found.push(one);
  return found;
};
/** It was stored long ago. */
const age = (workspace: string, digest: string): Promise<void> => utimes(fileOf(workspace, digest), 1_000, 1_000);
const textOf = async (stream: AsyncIterable<Buffer>): Promise<string> => {
  let text = '';
  for await (const chunk of stream) text += chunk.toString();
  return text;
};

describe('a folder of bodies', () => {
  it('gives back what was stored, under the digest of its bytes', async () => {
    const reference = await store.put('w1', '"ü"');
    expect(reference).toEqual({ digest: `sha256:${createHash('sha256').update('"ü"').digest('hex')}`, bytes: 4, media_type: 'application/json' });
    expect((await store.read('w1', reference)).toString()).toBe('"ü"');
    expect(await textOf(await store.open('w1', reference, { from: 0, to: 0 }))).toBe('"');
    expect(await textOf(await store.open('w1', reference))).toBe('"ü"');
    expect(await new Bodies(store).json('w1', reference)).toBe('ü');
  });

  it('keeps one copy of the same, however many store it at once, and nothing half-written', async () => {
    const references = await Promise.all(Array.from({ length: 20 }, () => store.put('w2', 'x'.repeat(100_000))));
    const digests = new Set(references.map(({ digest }) => digest));
    expect(digests.size).toBe(1);
    const [digest = ''] = digests;
    expect(await readdir(shelfOf('w2', digest))).toEqual([digest.slice(7)]);
    expect((await stat(fileOf('w2', digest))).mode & 0o777).toBe(0o600);
  });

  it('shows nobody another workspace, and nothing outside of it', async () => {
    const reference = await store.put('w1', 'mine');
    await expect(store.read('w3', reference)).rejects.toThrow(ArtifactMissing);
    await expect(store.open('w3', reference)).rejects.toThrow(ArtifactMissing);
    expect(await store.renew('w3', reference)).toBe(false);
    for (const workspace of ['../w1', '', 'a/b']) await expect(store.put(workspace, 'x')).rejects.toThrow();
    for (const digest of ['sha256:../../../etc/passwd', 'md5:aa', `sha256:${'A'.repeat(64)}`])
      await expect(store.read('w1', { ...reference, digest })).rejects.toThrow(ArtifactMissing);
  });

  it('tells bytes that are not what they were', async () => {
    const reference = await store.put('w1', 'as it was');
    await writeFile(fileOf('w1', reference.digest), 'as it IS!');
    await expect(store.read('w1', reference)).rejects.toThrow('the bytes of its file are others');
    // Of another length it is written anew when it is stored again.
    await writeFile(fileOf('w1', reference.digest), 'cut');
    await store.put('w1', 'as it was');
    expect((await store.read('w1', reference)).toString()).toBe('as it was');
  });

  it('takes nothing too large, and says what is in its way', async () => {
    await expect(store.put('w1', 'x'.repeat(1_000_001))).rejects.toThrow(BodyTooLarge);
    await writeFile(join(folder, 'a-file'), '');
    const blocked = fileArtifacts(join(folder, 'a-file'), 1_000_000);
    expect(blocked.health()).toBe(true);
    await expect(blocked.put('w1', 'x')).rejects.toThrow(ArtifactsUnwritable);
    expect(blocked.health()).toMatch(/Expected to store 1 bytes in '.*a-file' \(RUNLOG_ARTIFACTS\), but/);
    await rm(join(folder, 'a-file'));
    await blocked.put('w1', 'x');
    expect(blocked.health()).toBe(true);
  });
});

describe('collecting', () => {
  it('finds what was stored before, once it is old enough, and removes what was not stored again since', async () => {
    const [gone, renewed, again] = await Promise.all(['gone', 'renewed', 'again'].map((text) => store.put('w4', text)));
    if (!gone || !renewed || !again) throw new Error('nothing was stored');
    for (const { digest } of [gone, renewed, again]) await age('w4', digest);
    const found = (await allBefore(2_000_000)).filter(({ workspaceId }) => workspaceId === 'w4');
    expect(found.map(({ digest }) => digest).sort()).toEqual([gone, renewed, again].map(({ digest }) => digest).sort());
    expect(await store.renew('w4', renewed)).toBe(true);
    await store.put('w4', 'again');
    for (const one of found) expect(await store.remove(one)).toBe(one.digest === gone.digest);
    await expect(store.read('w4', gone)).rejects.toThrow(ArtifactMissing);
    expect((await store.read('w4', renewed)).toString()).toBe('renewed');
    expect((await store.read('w4', again)).toString()).toBe('again');
    expect(await store.remove({ workspaceId: 'w4', digest: gone.digest, storedAt: 0 })).toBe(false);
    expect(await allBefore(2_000_000)).toEqual([]);
  });

  it('loses nothing where it was killed half-way, and clears what a killed store has left', async () => {
    const reference = await store.put('w5', 'half-way');
    const file = fileOf('w5', reference.digest);
    await age('w5', reference.digest);
    await rename(file, `${file}.gone`);
    expect((await store.read('w5', reference)).toString()).toBe('half-way');
    const draft = join(shelfOf('w5', reference.digest), '.draft');
    await writeFile(draft, 'half');
    await utimes(draft, 1_000, 1_000);
    await allBefore(2_000_000);
    expect((await allBefore(2_000_000)).map(({ digest }) => digest)).toEqual([reference.digest]);
    expect(await readdir(shelfOf('w5', reference.digest))).toEqual([reference.digest.slice(7)]);
    // Stored anew while the old one was about to go: the new one stays as new as it is.
    await rename(file, `${file}.gone`);
    await store.put('w5', 'half-way');
    expect(await allBefore(2_000_000)).toEqual([]);
    expect((await readFile(file)).toString()).toBe('half-way');
  });
});

import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * The one line in a file, which is made with `make` on first use, readable by its owner alone, and on the disk when this resolves. However many
 * processes start at once, all get the same: the file appears under its name whole, or not at all.
 */
export const keptLine = async (path: string, make: () => string): Promise<string> => (await lineIn(path)) ?? (await keep(path, make()));

const lineIn = async (path: string): Promise<string | undefined> => {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

const keep = async (path: string, line: string): Promise<string> => {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${randomUUID()}`;
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(`${line}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(draft, path);
    return line;
  } catch (error) {
    const kept = (error as NodeJS.ErrnoException).code === 'EEXIST' ? await lineIn(path) : undefined;
    if (kept === undefined) throw error;
    return kept;
  } finally {
    await rm(draft, { force: true });
  }
};

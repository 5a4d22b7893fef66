// Compiles every package's src to its dist with swc: only files that changed. Types are checked by `npm run types`.
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from '@swc/core';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const swcOptions = {
  jsc: {
    parser: { syntax: 'typescript', decorators: true },
    transform: {
      legacyDecorator: true,
      decoratorMetadata: true,
      useDefineForClassFields: false,
    },
    target: 'es2024',
    keepClassNames: true,
    experimental: { keepImportAttributes: true },
  },
  module: { type: 'es6' },
  sourceMaps: true,
};

const mtime = async (path) => (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;

async function compilePackage(folder) {
  const src = join(folder, 'src');
  const dist = join(folder, 'dist');
  const entries = await readdir(src, {
    recursive: true,
    withFileTypes: true,
  }).catch(() => []);
  const wanted = new Set();
  let compiled = 0;
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const from = join(entry.parentPath, entry.name);
    const isCode = entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts') && !entry.name.endsWith('.spec.ts');
    const isAsset = !entry.name.endsWith('.ts');
    if (!isCode && !isAsset) continue;
    const to = join(dist, relative(src, from)).replace(/\.ts$/, '.js');
    wanted.add(to);
    if (isCode) wanted.add(`${to}.map`);
    if ((await mtime(to)) >= (await mtime(from))) continue;
    await mkdir(dirname(to), { recursive: true });
    const text = await readFile(from);
    if (isCode) {
      const out = await transform(text.toString('utf8'), {
        ...swcOptions,
        filename: from,
        sourceFileName: relative(dirname(to), from),
      });
      await writeFile(`${to}.map`, out.map ?? '');
      await writeFile(to, `${out.code}\n//# sourceMappingURL=${to.split('/').pop()}.map\n`);
    } else await writeFile(to, text);
    compiled++;
  }
  for (const entry of await readdir(dist, {
    recursive: true,
    withFileTypes: true,
  }).catch(() => [])) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !wanted.has(path)) await rm(path);
  }
  return compiled;
}

/** Compiles the packages given by folder, or all of them; resolves with the number of files written. */
export async function build(folders) {
  const all = folders ?? (await Promise.all(['apps', 'libs'].map(async (area) => (await readdir(join(root, area))).map((name) => join(root, area, name))))).flat();
  const counts = await Promise.all(all.map(compilePackage));
  return counts.reduce((sum, n) => sum + n, 0);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folders = process.argv.slice(2).map((folder) => resolve(folder));
  process.stdout.write(`compiled ${await build(folders.length > 0 ? folders : undefined)} files\n`);
}

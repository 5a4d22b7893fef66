// Lets Node import the TypeScript sources of the repository as they are, each compiled with the build's own settings. A planted bug is a
// change of one source text on its way in: no file is touched, and none of the product's code knows of it.
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transformSync } from '@swc/core';
import { swcOptions } from '../../deploy/local/build.mjs';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const { sourceMaps: _, ...options } = swcOptions;
const packages = { apps: ['commands', 'scheduler', 'queries', 'runner', 'gateway', 'standalone'] };

const resolved = (specifier, parent) => {
  const name = /^@runlog\/([a-z-]+)$/.exec(specifier)?.[1];
  if (name) return `${root}/${packages.apps.includes(name) ? 'apps' : 'libs'}/${name}/src/index.ts`;
  if (!/^\.{1,2}\/.*\.js$/.test(specifier) || !parent?.endsWith('.ts')) return undefined;
  return resolve(dirname(fileURLToPath(parent)), specifier).replace(/\.js$/, '.ts');
};

/** @param {{ file: string, find: string, put: string } | undefined} bug */
export function readSources(bug) {
  let planted = false;
  registerHooks({
    resolve(specifier, context, next) {
      const path = resolved(specifier, context.parentURL);
      return path ? { url: pathToFileURL(path).href, format: 'module', shortCircuit: true } : next(specifier, context);
    },
    load(url, context, next) {
      if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context);
      const path = fileURLToPath(url);
      let text = readFileSync(path, 'utf8');
      if (bug && relative(root, path) === bug.file) {
        if (text.split(bug.find).length !== 2) throw new Error(`Expected to find once in ${bug.file}, to plant a bug there, but it is not so: ${bug.find}`);
        text = text.replace(bug.find, () => bug.put);
        planted = true;
      }
      const { code } = transformSync(text, { ...options, filename: path, sourceMaps: 'inline' });
      return { format: 'module', source: code, shortCircuit: true };
    },
  });
  return { isPlanted: () => planted };
}

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const root = resolve(dirname(new URL(import.meta.url).pathname), '../..');

export interface SourceFile {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly package: string;
  readonly isTest: boolean;
  readonly text: string;
  readonly imports: readonly string[];
}

export interface Package {
  readonly name: string;
  readonly folder: string;
  readonly tag: string;
  readonly files: readonly SourceFile[];
}

const importPattern = /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s*['"]([^'"]+)['"]|(?:^|\n)\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

const importsOf = (text: string): string[] => [...text.matchAll(importPattern)].map((match) => (match[1] ?? match[2] ?? match[3]) as string);

const filesOf = (folder: string, name: string): SourceFile[] =>
  readdirSync(join(root, folder, 'src'), {
    recursive: true,
    withFileTypes: true,
  })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => {
      const path = relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/');
      const text = readFileSync(join(root, path), 'utf8');
      return {
        path,
        package: name,
        isTest: /\.spec\.ts$|\/testing\//.test(path),
        text,
        imports: importsOf(text),
      };
    });

/** Every package of apps and libs with its nx tag and its sources. */
export const readPackages = (): readonly Package[] =>
  ['apps', 'libs'].flatMap((area) =>
    readdirSync(join(root, area)).map((name) => {
      const folder = `${area}/${name}`;
      const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as { name: string; nx: { tags: string[] } };
      return {
        name: manifest.name,
        folder,
        tag: manifest.nx.tags[0] ?? 'none',
        files: filesOf(folder, manifest.name),
      };
    }),
  );

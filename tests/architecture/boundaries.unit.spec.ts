import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type Package, readPackages, type SourceFile } from './source-tree.js';

const packages = readPackages();
const byName = new Map(packages.map((one) => [one.name, one]));
const files = packages.flatMap((one) => one.files);
const product = files.filter((file) => !file.isTest);

/** What breaks a rule, as sentences that say how to comply. */
const expectNone = (violations: readonly string[]): void => expect(violations).toEqual([]);

const mayImport: Record<string, readonly string[]> = {
  'type:domain': ['type:domain'],
  'type:adapter': ['type:domain', 'type:adapter'],
  'type:app': ['type:domain', 'type:adapter'],
  'type:composition': ['type:domain', 'type:adapter', 'type:app'],
};

const howTo: Record<string, string> = {
  'type:domain': 'the domain is pure: move the code that needs it to an adapter or an app, and pass its result in',
  'type:adapter': 'an adapter knows the domain and other adapters: let the app pass in what it has',
  'type:app': 'apps talk over the log or a port in libs/contract: move what both need to a lib',
  'type:composition': 'only packages with a known tag may be composed: give it one in its package.json',
};

const edges = (list: readonly SourceFile[]) => list.flatMap((file) => file.imports.filter((name) => name.startsWith('@runlog/')).map((name) => ({ file, name })));

describe('packages', () => {
  it('carry one known nx tag each', () => {
    expectNone(packages.filter((one) => !(one.tag in mayImport)).map((one) => `${one.folder}/package.json has tag '${one.tag}': use one of ${Object.keys(mayImport).join(', ')}`));
  });

  it('import only what their tag may', () => {
    expectNone(
      edges(product).flatMap(({ file, name }) => {
        const from = byName.get(file.package) as Package;
        const to = byName.get(name.split('/').slice(0, 2).join('/'));
        if (!to || to === from || mayImport[from.tag]?.includes(to.tag)) return [];
        return [`${file.path} imports ${name} (${to.tag}): ${howTo[from.tag]}`];
      }),
    );
  });

  it('are imported through their index, never by a path inside', () => {
    expectNone(
      edges(files)
        .filter(({ name }) => name.split('/').length > 2)
        .map(({ file, name }) => `${file.path} imports ${name}: import the package and export the name from its src/index.ts`),
    );
    const outside = files.flatMap((file) =>
      file.imports
        .filter((name) => name.startsWith('.'))
        .map((name) => ({
          file,
          target: normalize(join(dirname(file.path), name)),
        })),
    );
    const folderOf = (path: string) => path.split('/').slice(0, 2).join('/');
    expectNone(
      outside
        .filter(({ file, target }) => /^(apps|libs)\//.test(target) && folderOf(target) !== folderOf(file.path))
        .map(({ file, target }) => `${file.path} reaches into ${target}: import the package by its name`),
    );
  });

  it('do not import each other in a circle', () => {
    const graph = new Map(packages.map((one) => [one.name, new Set(edges(one.files.filter((file) => !file.isTest)).map(({ name }) => name))]));
    const circle = findCircle(graph);
    expectNone(circle ? [`${circle.join(' -> ')}: move what both need into a package below them`] : []);
  });
});

describe('files', () => {
  it('do not import each other in a circle', () => {
    const paths = new Set(product.map((file) => file.path));
    const graph = new Map(
      product.map((file) => {
        const typeless = file.text.replace(/import type [^;]*;/g, '').replace(/export type [^;]*from[^;]*;/g, '');
        const targets = file.imports
          .filter((name) => name.startsWith('.') && typeless.includes(`'${name}'`))
          .map((name) => normalize(join(dirname(file.path), name)).replace(/\.js$/, '.ts'));
        return [file.path, new Set(targets.filter((target) => paths.has(target)))];
      }),
    );
    const circle = findCircle(graph);
    expectNone(circle ? [`${circle.join(' -> ')}: split off what both need`] : []);
  });

  it('are not named after nothing', () => {
    const vague = /(^|[/.-])(utils?|common|shared|helpers?|managers?|base|misc)([/.-]|$)/;
    expectNone(files.filter((file) => vague.test(file.path)).map((file) => `${file.path}: name it after what it does`));
  });
});

const bans: readonly {
  readonly what: RegExp;
  readonly within: (file: SourceFile) => boolean;
  readonly because: string;
}[] = [
  {
    what: /^(@nestjs\/|typeorm|kafkajs|pg$|class-validator|class-transformer|express|node:(fs|http|https|net|child_process))/,
    within: (file) => byName.get(file.package)?.tag === 'type:domain',
    because: 'the domain has no framework and no IO: take a value or a function as an argument',
  },
  {
    what: /^kafkajs/,
    within: (file) => file.package !== '@runlog/event-log',
    because: 'only libs/event-log knows kafkajs: use the EventLog port',
  },
  {
    what: /^(node:)?vm2?$|^isolated-vm/,
    within: () => true,
    because: 'code of users runs in QuickJS in a child process only: use the runner',
  },
];

describe('imports', () => {
  it('stay within their walls', () => {
    expectNone(
      product.flatMap((file) =>
        bans.flatMap(({ what, within, because }) => file.imports.filter((name) => within(file) && what.test(name)).map((name) => `${file.path} imports ${name}: ${because}`)),
      ),
    );
  });

  it('leave writing events to commands, and making state to evolve', () => {
    const writers = product.filter((file) => /\bencodeEvent\b/.test(file.text) && !/^(libs\/event-log|apps\/commands)\//.test(file.path));
    expectNone(writers.map((file) => `${file.path} encodes events: only apps/commands writes facts; send it a command`));
    const deciders = product.filter((file) => /import[^;]*\b(decide|evolve)\b[^;]*'@runlog\/execution'/.test(file.text) && file.package !== '@runlog/commands');
    expectNone(deciders.map((file) => `${file.path} decides or evolves: only apps/commands does; read the views instead`));
  });
});

describe('code', () => {
  it('is never made from text', () => {
    const banned = /\beval\s*\(|\bnew Function\s*\(|[^.\w]Function\s*\(['"`]/;
    expectNone(product.filter((file) => banned.test(file.text)).map((file) => `${file.path} makes code from text: use JSONata or QuickJS`));
  });
});

/** The first circle found in the graph, closed, or undefined. */
const findCircle = (graph: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined => {
  const done = new Set<string>();
  const visit = (node: string, path: string[]): string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return undefined;
    for (const to of graph.get(node) ?? []) {
      const circle = visit(to, [...path, node]);
      if (circle) return circle;
    }
    done.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const circle = visit(node, []);
    if (circle) return circle;
  }
  return undefined;
};

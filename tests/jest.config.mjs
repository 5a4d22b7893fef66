import { readdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { swcOptions } from '../deploy/local/build.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const packages = ['apps', 'libs'].flatMap((area) => readdirSync(`${root}/${area}`).map((name) => [`^@runlog/${name}$`, `<rootDir>/${area}/${name}/src/index.ts`]));
const { sourceMaps, ...options } = swcOptions;

export default {
  rootDir: root,
  testMatch: ['<rootDir>/{apps,libs,tests}/**/*.spec.ts'],
  modulePathIgnorePatterns: ['/dist/'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '/tests/performance/peers/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', { ...options, sourceMaps: 'inline' }],
  },
  moduleNameMapper: {
    ...Object.fromEntries(packages),
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  testEnvironment: 'node',
  // Waits name their own deadlines and what they waited for; this one only ends a test that hangs.
  testTimeout: 60_000,
};

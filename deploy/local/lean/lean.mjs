// `npm start` does not load what its packages would bring and never call here: 8 MB, and 0.3 s at each start.
import { registerHooks } from 'node:module';

const absent = new URL('./absent.cjs', import.meta.url).href;
const instead = [
  // TypeORM loads the drivers of all databases.
  [/\/typeorm\//, /^\.\/(?!postgres|cockroachdb)[a-z-]+\/[A-Za-z]+Driver$/, absent],
  // What tells telephone numbers, and what Nest needs to talk to other processes.
  [/\/class-validator\//, /^libphonenumber-js/, absent],
  [/\/@nestjs\/core\//, /^@nestjs\/microservices/, null],
  [/\/@nestjs\/swagger\//, /^es-toolkit\/compat$/, new URL('./es-toolkit.mjs', import.meta.url).href],
];

registerHooks({
  resolve(specifier, context, next) {
    for (const [by, what, url] of instead)
      if (what.test(specifier) && by.test(context.parentURL)) {
        if (url === null) throw new Error(`Expected no need of '${specifier}'`);
        return { url, shortCircuit: true };
      }
    return next(specifier, context);
  },
});

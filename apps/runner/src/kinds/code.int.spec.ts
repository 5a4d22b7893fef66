import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Json } from '@runlog/execution';
import { slowness } from '@runlog/testing';
import { Sandbox } from '../sandbox/sandbox.js';
import { contextFor, failureOf, Sink } from '../testing/fixture.js';
import { code } from './code.js';

const CANARY = 'canary-4d1f';

describe('code', () => {
  let sandbox: Sandbox;
  let folder: string;
  let sink: Sink;
  beforeAll(async () => {
    sandbox = new Sandbox(64);
    folder = await mkdtemp(join(tmpdir(), 'runlog-canary-'));
    await writeFile(join(folder, 'canary.txt'), CANARY);
    process.env.RUNLOG_CANARY = CANARY;
    (globalThis as { runlogCanary?: string }).runlogCanary = CANARY;
    sink = await Sink.open((_hit, response) => void response.end(CANARY), '127.0.0.1');
  });
  afterAll(async () => {
    delete process.env.RUNLOG_CANARY;
    delete (globalThis as { runlogCanary?: string }).runlogCanary;
    await Promise.all([sandbox.close(), sink.close(), rm(folder, { recursive: true })]);
  });

  const context = (source: string, more: { input?: Json; timeoutMs?: number; signal?: AbortSignal } = {}) =>
    contextFor(
      { source },
      {
        sandbox,
        timeoutMs: more.timeoutMs ?? 30_000,
        ...(more.signal && { signal: more.signal }),
        scope: { input: more.input ?? null, nodes: { a: { n: 2 } }, execution: { id: 'e1' } },
      },
    );
  const run = async (source: string, more: Parameters<typeof context>[1] = {}) => (await code.run(context(source, more))).output;
  const failure = (source: string, more: Parameters<typeof context>[1] = {}) => failureOf(run(source, more));

  it('computes from input, nodes and execution', async () => {
    await expect(run('return { sum: input.x + nodes.a.n, id: execution.id };', { input: { x: 1 } })).resolves.toEqual({ sum: 3, id: 'e1' });
  });

  it('waits for promises, and gives null for nothing', async () => {
    await expect(run('return await Promise.all([1, Promise.resolve(2)]);')).resolves.toEqual([1, 2]);
    await expect(run('')).resolves.toBeNull();
    await expect(run('return undefined')).resolves.toBeNull();
    await expect(run('// ends in a comment')).resolves.toBeNull();
  });

  it('names the line that failed', async () => {
    expect(await failure('const a = 1;\nnull.x;')).toMatchObject({ code: 'code_failed', retryable: true, message: expect.stringMatching(/^TypeError: .*\(line 2\)$/) });
    expect(await failure('const a = 1;\n\nconst = 2;')).toMatchObject({ code: 'code_failed', message: expect.stringMatching(/^SyntaxError: .*\(line 3\)$/) });
    expect(await failure("\nthrow new RangeError('mine')")).toMatchObject({ message: 'RangeError: mine (line 2)' });
    expect(await failure("throw Object.assign(new Error('for good'), { retryable: false })")).toMatchObject({ retryable: false });
  });

  it('keeps what the code logs, up to a bound', async () => {
    const given = context("console.log('a', { b: 1 }, [2]); console.warn('w'); for (let i = 0; i < 5000; i++) console.error(i); return 1;");
    await code.run(given);
    expect(given.lines.slice(0, 3)).toEqual([
      { level: 'info', message: 'a {"b":1} [2]' },
      { level: 'warn', message: 'w' },
      { level: 'error', message: '0' },
    ]);
    expect(given.lines).toHaveLength(1_000);
  });

  it('keeps long lines, however much they are together', async () => {
    const given = context("for (let i = 0; i < 200; i++) console.log('x'.repeat(500_000)); return 'done';");
    expect(await code.run(given)).toEqual({ output: 'done' });
    expect(given.lines.filter(({ message }) => message.length === 8_192)).toHaveLength(200);
  });

  it.each([
    ['a function', 'return () => 1'],
    ['a symbol', 'return Symbol()'],
    ['a bigint', 'return 1n'],
    ['a cycle', 'const a = {}; a.a = a; return a'],
    ['10,000 levels', 'let a = []; for (let i = 0; i < 10000; i++) a = [a]; return a'],
    ['a toJSON that throws', 'return { toJSON() { throw new Error("no") } }'],
    ['a toJSON that gives nothing', 'return { toJSON() {} }'],
  ])('fails on %s as output', async (_what, source) => {
    expect(await failure(source)).toMatchObject({ code: 'code_output_invalid', retryable: false });
  });

  it('takes and gives megabytes: the store of outputs decides what is too large', async () => {
    await expect(run('return "x".repeat(2_000_000)')).resolves.toHaveLength(2_000_000);
    await expect(run('return input.length + nodes.a.n', { input: 'ü'.repeat(3_000_000) })).resolves.toBe(3_000_002);
  });

  it.each([
    ['an endless loop', 'while (true) {}'],
    ['an endless loop that catches', 'while (true) { try { while (true) {} } catch {} }'],
    ['an endless chain of promises', 'while (true) await null'],
    ['a regular expression without end', 'return /^(a+)+$/.test("a".repeat(50) + "b")'],
    ['a sort without end', 'return Array.from({ length: 1e7 }, (_, i) => -i).sort(() => { for (;;); })'],
    ['a getter without end', 'return { get a() { for (;;); } }'],
    ['a finally without end', 'try { return 1 } finally { for (;;); }'],
  ])(
    'ends %s in time',
    async (_what, source) => {
      const began = Date.now();
      expect(['code_timeout', 'code_memory']).toContain((await failure(source, { timeoutMs: 300 })).code);
      expect(Date.now() - began).toBeLessThan(3_000 * slowness());
      await expect(run('return 1')).resolves.toBe(1);
    },
    20_000,
  );

  it.each([
    ['of objects', 'const a = []; for (;;) a.push({ i: a.length })'],
    ['of arrays', 'const a = []; for (;;) a.push(new Array(1000).fill(1))'],
    ['of strings', 'const a = []; for (let i = 0; ; i++) a.push("x".repeat(100000) + i)'],
    ['of buffers', 'const a = []; for (;;) a.push(new Uint8Array(1e6).fill(1))'],
    ['in one piece', 'return new ArrayBuffer(2 ** 31 - 1).byteLength'],
    ['of promises', 'const f = () => Promise.all([f2(), f2()]), f2 = async () => f(); await f()'],
    ['that catches its failures', 'const a = []; for (;;) { try { a.push(new Array(1e5).fill("y")) } catch { a.push(1) } }'],
    ['of maps', 'const m = new Map(); for (let i = 0; ; i++) m.set(i, "v" + i)'],
  ])(
    'survives a memory bomb %s',
    async (_what, source) => {
      expect(['code_memory', 'code_timeout', 'code_failed']).toContain((await failure(source, { timeoutMs: 3_000 })).code);
      await expect(run('return 1')).resolves.toBe(1);
    },
    20_000,
  );

  it('says so when the stack runs out, and takes 10,000 levels of input', async () => {
    expect(await failure('const f = () => f(); return f()')).toMatchObject({ code: 'code_failed', message: expect.stringContaining('stack overflow') });
    await expect(run('let d = 0; for (let x = JSON.parse("[".repeat(10000) + "]".repeat(10000)); x; x = x[0]) d++; return d')).resolves.toBe(10_000);
    await expect(run('return input.length', { input: JSON.parse(`${'['.repeat(4_000)}${']'.repeat(4_000)}`) as Json })).resolves.toBe(1);
  });

  it('kills the child when asked to stop', async () => {
    const controller = new AbortController();
    const ended = failureOf(code.run(context('while (true) {}', { signal: controller.signal, timeoutMs: 60_000 })));
    setTimeout(() => controller.abort(new Error('stop')), 100);
    expect((await ended).message).toBe('stop');
    await expect(run('return 1')).resolves.toBe(1);
  });

  it('serves quick jobs while endless ones run', async () => {
    const controller = new AbortController();
    const endless = Array.from({ length: sandbox.most - 1 }, () => failure('for (;;);', { timeoutMs: 60_000, signal: controller.signal }));
    const quick = Promise.all(Array.from({ length: 20 }, () => run('return 1')));
    await expect(Promise.race([quick, ...endless])).resolves.toHaveLength(20);
    controller.abort(new Error('enough'));
    for (const { message } of await Promise.all(endless)) expect(message).toBe('enough');
  }, 60_000);

  it('does what waited behind a job that took its child along', async () => {
    const fatal = ['const a = []; for (;;) a.push(new Uint8Array(1e6).fill(1))', 'for (;;);', 'const f = () => Promise.all([f2(), f2()]), f2 = async () => f(); await f()'];
    const jobs = Array.from({ length: 60 }, (_, i) => (i % 20 === 10 ? failure(fatal[(i - 10) / 20] as string, { timeoutMs: 2_000 }) : run(`return ${i}`)));
    for (const [i, ended] of (await Promise.all(jobs)).entries()) {
      if (i % 20 === 10) expect(['code_memory', 'code_timeout']).toContain((ended as { code: string }).code);
      else expect(ended).toBe(i);
    }
  }, 60_000);

  it('blames nobody for a quick source that once takes its child along', async () => {
    const source = 'return input === 20 ? [].indexOf.call({ length: 2 ** 53 - 1 }, 1) : input';
    for (let i = 0; i < 4; i++) await run(source, { input: 1 });
    const jobs = Array.from({ length: 40 }, (_, i) => (i === 20 ? failure(source, { input: i, timeoutMs: 300 }) : run(source, { input: i })));
    for (const [i, ended] of (await Promise.all(jobs)).entries()) {
      if (i === 20) expect(ended).toMatchObject({ code: 'code_timeout', message: 'The code ran longer than its limit of 300 ms' });
      else expect(ended).toBe(i);
    }
  }, 60_000);

  it('does not take children for stuck that only could not be heard', async () => {
    const crowd = () => Promise.all(Array.from({ length: 60 }, () => run('return 1')));
    for (let i = 0; i < 4; i++) await crowd();
    const before = sandbox.children;
    const jobs = crowd();
    await new Promise((given) => setImmediate(() => setImmediate(given)));
    for (const until = performance.now() + 500; performance.now() < until; );
    await jobs;
    expect(sandbox.children).toBeLessThanOrEqual(Math.max(before, availableParallelism()));
  });

  it('gives up a job that waits behind others, and only that', async () => {
    const controller = new AbortController();
    const others = Array.from({ length: 30 }, (_, i) => run(`return ${i}`));
    const given = failure('return 1', { signal: controller.signal });
    controller.abort(new Error('stop'));
    expect((await given).message).toBe('stop');
    await expect(Promise.all(others)).resolves.toEqual(Array.from({ length: 30 }, (_, i) => i));
  });

  it('leaves nothing behind for the next job', async () => {
    await run(
      `globalThis.left = 1; Object.prototype.left = 1; Array.prototype.map = () => 'mine'; JSON.stringify = () => '"mine"'; JSON.parse = null; Promise.prototype.then = null; console.log = null; return 1`,
    );
    for (let i = 0; i < 4; i++)
      await expect(run('return [typeof left, ({}).left === undefined, [1].map(String), typeof console.log]')).resolves.toEqual(['undefined', true, ['1'], 'function']);
  });

  it('begins each job with the same memory: what another one wrote is nowhere', async () => {
    const canary = 'c4n4ry';
    const fill = `
      globalThis.kept = []; const deep = (n) => (n === 0 ? 0 : 1 + deep(n - 1, '${canary}' + n));
      for (let i = 0; i < 1_000; i++) kept.push('${canary}'.repeat(50) + i, { ['${canary}' + i]: Symbol.for('${canary}' + i) });
      for (let i = 0; i < 10; i++) kept.push(new Uint8Array(1e6).fill(0xc4));
      return deep(500);`;
    const look = `
      const found = [];
      for (let i = 0; i < 20; i++) { const bytes = new Uint8Array(1e6); if (bytes.indexOf(0xc4) >= 0) found.push('memory'); }
      for (const name of Object.getOwnPropertyNames(globalThis)) if (String(name).includes('${canary}') || name === 'kept') found.push(name);
      return found;`;
    for (let i = 0; i < 6; i++) {
      await expect(run(fill)).resolves.toBe(500);
      await expect(run(look)).resolves.toEqual([]);
    }
  });

  it('gives a source that comes again what it got the first time, and no more', async () => {
    const source = `
      console.log('begun', input);
      globalThis.count = (globalThis.count ?? 0) + 1; Object.prototype.kept = input; (function f() { f.count = 1; })();
      class A { static made = 0; constructor() { A.made++; } } new A();
      if (input === 3) null.x;
      return [count, A.made, input, typeof ({}).kept];`;
    for (let i = 0; i < 6; i++) {
      const given = context(source, { input: i });
      if (i === 3) expect(await failureOf(code.run(given))).toMatchObject({ message: expect.stringMatching(/^TypeError: .*\(line 5\)$/) });
      else expect((await code.run(given)).output).toEqual([1, 1, i, typeof i]);
      expect(given.lines).toEqual([{ level: 'info', message: `begun ${i}` }]);
    }
    for (let i = 0; i < 4; i++) expect(await failure('const a = 1;\n\nconst = 2;')).toMatchObject({ message: expect.stringMatching(/^SyntaxError: .*\(line 3\)$/) });
  });

  it('does again what a source does outside of its function', async () => {
    const source = `return 'never' }); console.log('while compiled'); globalThis.at = Date.now(); (async function (input) { return globalThis.at;`;
    const seen = new Set<unknown>();
    for (let i = 0; i < 5; i++) {
      const given = context(source);
      seen.add((await code.run(given)).output);
      expect(given.lines).toEqual([{ level: 'info', message: 'while compiled' }]);
      const since = Date.now();
      while (Date.now() - since < 2);
    }
    expect(seen.size).toBe(5);
  });

  it('draws other random numbers in each job', async () => {
    const drawn = await Promise.all(Array.from({ length: 40 }, () => run('return [Math.random(), Math.random()]')));
    const numbers = drawn.flat() as number[];
    expect(new Set(numbers).size).toBe(80);
    for (const number of numbers) expect(number >= 0 && number < 1).toBe(true);
    const mean = (await run('let sum = 0; for (let i = 0; i < 10000; i++) sum += Math.random(); return sum / 10000;')) as number;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.05);
  });

  it.each([
    ['__proto__ in the output', 'return JSON.parse(\'{"__proto__": {"polluted": 1}}\')'],
    ['constructor.prototype', 'Object.constructor.prototype.polluted = 1; return { constructor: { prototype: { polluted: 1 } } }'],
    ['__defineGetter__', 'Object.prototype.__defineGetter__("polluted", () => 1); return {}'],
  ])('pollutes nothing by %s', async (_what, source) => {
    await run(source);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    await expect(run('return ({}).polluted === undefined')).resolves.toBe(true);
  });

  /** Each tries to get at a file, a variable of the runner, or a port; `file` and `url` are put in. */
  const escapes = (file: string, url: string): string[] => [
    ...[
      'process',
      'require',
      'module',
      'exports',
      'global',
      'Buffer',
      'fetch',
      'XMLHttpRequest',
      'WebSocket',
      'Deno',
      'Bun',
      'std',
      'os',
      'bjson',
      'WebAssembly',
      'Worker',
      'SharedArrayBuffer',
      'Atomics',
      'importScripts',
      'runlogCanary',
      'setTimeout',
      'setImmediate',
      'queueMicrotask',
      'structuredClone',
      '__write',
      '__dirname',
      'scriptArgs',
      'print',
      'load',
      'loadScript',
      'read',
      'navigator',
      'window',
      'self',
      'document',
      'performance',
    ].map((name) => `return typeof ${name} === 'undefined' ? null : String(${name}) + JSON.stringify(${name} && ${name}.env || {})`),
    `return process.env.RUNLOG_CANARY`,
    `return require('fs').readFileSync('${file}', 'utf8')`,
    `return (await import('fs')).readFileSync('${file}', 'utf8')`,
    `return (await import('node:fs')).readFileSync('${file}', 'utf8')`,
    `return await import('${file}')`,
    `return await import('file://${file}')`,
    `return import.meta.url`,
    `return (await fetch('${url}')).text()`,
    `return (await import('std')).loadFile('${file}')`,
    `return (await import('os')).exec(['cat', '${file}'])`,
    `return this.constructor.constructor('return process')().env.RUNLOG_CANARY`,
    `return (() => {}).constructor('return process.env.RUNLOG_CANARY')()`,
    `return (async () => {}).constructor('return process.env.RUNLOG_CANARY')()`,
    `return (function* () {}).constructor('yield process.env.RUNLOG_CANARY')().next().value`,
    `return console.log.constructor('return process.env')().RUNLOG_CANARY`,
    `return console.log.constructor.constructor('return globalThis')().process.env`,
    `return eval('process.env.RUNLOG_CANARY')`,
    `return (0, eval)('this').process.env.RUNLOG_CANARY`,
    `return new Function('return require("fs").readFileSync("${file}", "utf8")')()`,
    `return Reflect.construct(Function, ['return process.env.RUNLOG_CANARY'])()`,
    `return globalThis.globalThis.globalThis.process.mainModule.require('child_process').execSync('cat ${file}').toString()`,
    `try { null.x } catch (e) { return e.constructor.constructor('return process.env.RUNLOG_CANARY')() }`,
    `const e = new Error(); Error.prepareStackTrace = (_, s) => s; return e.stack.map((f) => f.getThis().process.env.RUNLOG_CANARY)`,
    `Error.stackTraceLimit = Infinity; return new Error().stack`,
    `return arguments.callee.caller.arguments[0].process.env`,
    `return (function () { return this.process.env.RUNLOG_CANARY })()`,
    `return new Proxy({}, { get: (_t, _p, r) => r.constructor.constructor('return process.env')() }).x.RUNLOG_CANARY`,
    `return Object.getOwnPropertyNames(globalThis).map((n) => { try { return String(globalThis[n]?.env?.RUNLOG_CANARY) } catch (e) { return String(e) } })`,
    `class A extends (class { constructor() { return globalThis } }) {} return new A().process.env.RUNLOG_CANARY`,
    `return await new Promise((resolve) => resolve({ then(f) { f(this.constructor.constructor('return process.env.RUNLOG_CANARY')()) } }))`,
    `const o = { toJSON() { return this.constructor.constructor('return process.env.RUNLOG_CANARY')() } }; return o`,
    `console.log({ toString() { return process.env.RUNLOG_CANARY } }); return 1`,
    `console.log({ get a() { return require('fs').readFileSync('${file}', 'utf8') } }); return 1`,
    `}); globalThis.process.env.RUNLOG_CANARY; (async function (input) { return process.env.RUNLOG_CANARY`,
    `})(), process.env.RUNLOG_CANARY; (function () {`,
    `return 1 } catch (e) { } finally { process.env.RUNLOG_CANARY`,
    `*/ return process.env /*`,
    `return \`\${process.env.RUNLOG_CANARY}\``,
    `const b = new Uint8Array(8); const d = new DataView(b.buffer, 0, 8); return d.getFloat64(1e9)`,
    `const a = new Uint8Array(1); return a[-1] ?? a[2 ** 31] ?? a.at(1e9) ?? null`,
    `const a = new Array(10); a.length = 2 ** 32 - 1; return String(a.slice(2 ** 31, 2 ** 31 + 4))`,
    `const u = new Uint8Array(16); return Array.from(new Uint32Array(u.buffer, 0, 4)).concat(Object.keys(u.buffer))`,
    `const s = "a".repeat(2 ** 20); return s.substring(-1e9, 1e9).indexOf('${CANARY.slice(0, 6)}')`,
    `return new Array(2 ** 31).join('x')`,
    `new RegExp('(?<=' + '('.repeat(200) + ')'.repeat(200) + ')').exec('a'); return 1`,
    `const a = [1, 2, 3]; a.sort(() => { a.length = 0; a.push({}); return 1 }); return a.length`,
    `const a = [1.1, 2.2]; Object.defineProperty(a, 0, { get() { a.length = 0; return 1 } }); return a.concat(a)`,
    `return Object.getOwnPropertyNames(console).concat(Object.getOwnPropertyNames(console.log))`,
    `const w = new WeakRef({}); const f = new FinalizationRegistry(() => process.exit(1)); f.register({}, 1); return typeof w`,
    `Object.defineProperty(Object.prototype, 'then', { get() { return process.env.RUNLOG_CANARY } }); return {}`,
    `Object.setPrototypeOf(input ?? {}, null); return Object.prototype.__proto__`,
    `return parent.process.send({ type: 'done', id: 1, outcome: { output: '"${CANARY}"' } })`,
    `return debugger_ = 1, typeof ${'Debugger'}`,
    `process.kill(process.ppid, 'SIGKILL')`,
    `return new (class extends Promise { constructor(f) { super(f); f(process.env.RUNLOG_CANARY) } })(() => 1)`,
  ];

  it('lets nothing out and nobody in: no file, no variable, no port', async () => {
    const sources = escapes(join(folder, 'canary.txt'), `http://127.0.0.1:${sink.port}/`);
    expect(sources.length).toBeGreaterThanOrEqual(60);
    const found: string[] = [];
    await Promise.all(
      sources.map(async (source) => {
        const given = context(source);
        const shown = JSON.stringify([await code.run(given).catch((error: Error) => error.message), given.lines]);
        if (shown.includes(CANARY) || /PATH=|"HOME"/.test(shown)) found.push(`${source} -> ${shown}`);
      }),
    );
    expect(found).toEqual([]);
    expect(sink.hits).toEqual([]);
    expect(await readdir(folder)).toEqual(['canary.txt']);
    await expect(run('return 1')).resolves.toBe(1);
  }, 60_000);
});

/**
 * The process that untrusted code runs in: QuickJS in WebAssembly, without environment, file system or children of its own (the parent
 * starts it under Node's permission model). One job at a time. The memory of the engine is remembered once it is set up, and put back
 * before each job: whatever a job did to it is gone. See job.ts for what goes over the wire.
 * This file stands alone: the parent starts it as it is, from source or compiled.
 */
import { getRandomValues } from 'node:crypto';
import { readSync, writeSync } from 'node:fs';
import { newQuickJSWASMModule, newVariant, type QuickJSHandle, RELEASE_SYNC } from 'quickjs-emscripten';
import type { ConsoleLevel, JobFailure, JobOutcome, kinds } from './job.js';

const WIRE = 3;
const kind: typeof kinds = { ready: 0, lines: 1, output: 2, failure: 3, left: 4 };

/** The parent says so. QuickJS' own limit counts single allocations but not their sum (WebAssembly's malloc can't tell sizes); the memory's maximum is what holds. */
const MEMORY_LIMIT_BYTES = Number(process.argv[2] ?? 64 * 1024 * 1024);
const PAGE_BYTES = 64 * 1024;
const START_BYTES = 16 * 1024 * 1024;
const STACK_LIMIT_BYTES = 256 * 1024;
/** WebAssembly memory never shrinks: a child that grew beyond this is replaced. */
const WORN_BYTES = 48 * 1024 * 1024;
/** The store of outputs decides what is too large; this only keeps a single frame within reason. */
const MAX_OUTPUT_CHARS = 64 * 1024 * 1024;
const MAX_LINES = 1_000;
const MAX_LINE_CHARS = 8_192;
/** Lines of a job that takes longer than this go out before its end. */
const LINES_WAIT_MS = 20;

/**
 * Runs before any code and keeps what code may overwrite later. Its value calls the code and hands the result over as JSON text.
 * Random numbers (sfc32) are seeded by job: QuickJS' own generator would be put back with the rest of the memory.
 */
const prelude = `(() => {
  const { parse, stringify } = JSON, write = globalThis.__write, text = String, then = Promise.prototype.then;
  delete globalThis.__write;
  let a = 1, b = 2, c = 3, d = 4;
  const next = () => { const t = (a + b | 0) + d | 0; d = d + 1 | 0; a = b ^ b >>> 9; b = c + (c << 3) | 0; c = c << 21 | c >>> 11; c = c + t | 0; return t >>> 0; };
  Math.random = { random() { return ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992; } }.random;
  const shown = (value) => { if (typeof value === 'string') return value; try { const json = stringify(value); return json === undefined ? text(value) : json; } catch { try { return text(value); } catch { return '[unprintable]'; } } };
  const line = (level) => (...values) => { let out = ''; for (let i = 0; i < values.length; i++) out += (i ? ' ' : '') + shown(values[i]); write(level, out); };
  globalThis.console = { log: line('info'), info: line('info'), warn: line('warn'), error: line('error'), debug: line('debug'), trace: line('debug') };
  const described = (error) => {
    const isError = error instanceof Error;
    let message; try { message = isError ? text(error.name) + ': ' + text(error.message) : 'thrown: ' + shown(error); } catch { message = 'an error that cannot be shown'; }
    let stack = ''; try { stack = isError ? text(error.stack) : ''; } catch {}
    let retryable = true; try { retryable = !(error && error.retryable === false); } catch {}
    return { message, stack, retryable };
  };
  return (code, scope, settle, s0, s1, s2) => {
    a = s0 | 0; b = s1 | 0; c = s2 | 0; d = 1;
    for (let i = 0; i < 12; i++) next();
    const { input, nodes, execution } = parse(scope);
    const fail = (error) => { const { message, stack, retryable } = described(error); settle('failed', message, stack, retryable); };
    const succeed = (value) => {
      let json; try { json = stringify(value === undefined ? null : value); } catch (error) { return settle('invalid', described(error).message, '', false); }
      if (typeof json !== 'string') return settle('invalid', 'a ' + typeof value + ' is no JSON', '', false);
      settle('done', json, '', false);
    };
    then.call(code(input, nodes, execution), succeed, fail);
  };
})()`;

interface Job {
  readonly id: number;
  readonly timeoutMs: number;
  readonly source: string;
  /** JSON text of {input, nodes, execution}. */
  readonly scope: string;
}

declare const WebAssembly: { readonly Memory: new (pages: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer } };

const memory = new WebAssembly.Memory({ initial: START_BYTES / PAGE_BYTES, maximum: (START_BYTES + MEMORY_LIMIT_BYTES) / PAGE_BYTES });
const quickjs = await newQuickJSWASMModule(newVariant(RELEASE_SYNC, { wasmMemory: memory }));
const parent = process.ppid;

const send = (type: number, id: number, micros: number, text: string): void => {
  const frame = Buffer.allocUnsafe(13 + Buffer.byteLength(text));
  frame.writeUInt32BE(frame.length - 4, 0);
  frame.writeUInt8(type, 4);
  frame.writeUInt32BE(id, 5);
  frame.writeUInt32BE(Math.min(micros, 0xffffffff), 9);
  frame.write(text, 13);
  for (let sent = 0; sent < frame.length; ) sent += writeSync(WIRE, frame, sent);
};

/** The job at hand: what it may use up, read by the interrupt handler, and what came of it so far. */
const now = { id: 0, began: 0, deadline: Infinity, ranOut: false, lines: 0, unsent: [] as [ConsoleLevel, string][], outcome: undefined as JobOutcome | undefined };

const sendLines = (): void => {
  if (now.unsent.length === 0) return;
  send(kind.lines, now.id, 0, JSON.stringify(now.unsent));
  now.unsent = [];
};

const runtime = quickjs.newRuntime();
runtime.setMemoryLimit(MEMORY_LIMIT_BYTES);
runtime.setMaxStackSize(STACK_LIMIT_BYTES);
let ticks = 0;
runtime.setInterruptHandler(() => {
  if (++ticks % 64 === 0 && process.ppid !== parent) process.exit(0);
  const at = Date.now();
  if (at - now.began > LINES_WAIT_MS) sendLines();
  now.ranOut ||= at > now.deadline;
  return now.ranOut;
});
const context = runtime.newContext();

const write = context.newFunction('write', (level, text) => {
  if (++now.lines > MAX_LINES) return;
  const shown = now.lines === MAX_LINES ? `Only the first ${MAX_LINES - 1} lines are kept` : context.getString(text).slice(0, MAX_LINE_CHARS);
  now.unsent.push([context.getString(level) as ConsoleLevel, shown]);
  if (Date.now() - now.began > LINES_WAIT_MS) sendLines();
});
const settle = context.newFunction('settle', (how, value, stack, retryable) => {
  now.outcome ??= settled(context.getString(how), context.getString(value), context.getString(stack), context.dump(retryable) === true);
});
context.setProp(context.global, '__write', write);
const call = context.unwrapResult(context.evalCode(prelude, 'prelude'));

/** QuickJS bounds its stack by STACK_LIMIT_BYTES; this is more than it ever reaches. */
const STACK_BYTES = 512 * 1024;
const PROBE_BYTES = 256 * 1024;

/** Where malloc keeps the end of the memory it has asked for: the largest word that an allocation raises, and that stays when it is freed. -1: not to be told. */
const findBreak = (): number => {
  const words = (): Uint32Array => new Uint32Array(memory.buffer, 0, (1024 * 1024) / 4);
  const before = words().slice();
  const large = context.newArrayBuffer(new ArrayBuffer(PROBE_BYTES));
  const during = words().slice();
  large.dispose();
  const after = words();
  let found = -1;
  for (let i = 0; i < before.length; i++) {
    const [was = 0, is = 0] = [before[i], during[i]];
    if (is > was && was > 0 && is <= memory.buffer.byteLength && is > (during[found] ?? PROBE_BYTES)) found = i;
  }
  return found < 0 || after[found] !== during[found] ? -1 : found * 4;
};

/** The memory as it is now, to be put back: below the stack, the stack's upper end, and the heap. What lies beyond is zero, and so is the rest of the stack. */
const remember = (): (() => void) => {
  const breakAt = findBreak();
  const used = breakAt < 0 ? memory.buffer.byteLength : (new Uint32Array(memory.buffer, breakAt, 1)[0] as number);
  const bytes = new Uint8Array(memory.buffer, 0, used).slice();
  let gap = { from: 0, to: 0 };
  for (let from = 0, at = 0; at <= used; at += 4_096) {
    if (at < used && bytes.subarray(at, at + 4_096).every((byte) => byte === 0)) continue;
    if (at - from > gap.to - gap.from) gap = { from, to: at };
    from = at + 4_096;
  }
  const low = bytes.slice(0, gap.from);
  const high = bytes.slice(gap.to);
  return () => {
    const end = breakAt < 0 ? memory.buffer.byteLength : (new Uint32Array(memory.buffer, breakAt, 1)[0] as number);
    const present = new Uint8Array(memory.buffer);
    present.set(low, 0);
    present.fill(0, Math.max(gap.from, gap.to - STACK_BYTES), gap.to);
    present.set(high, gap.to);
    present.fill(0, used, end);
  };
};

const run = (job: Job): JobOutcome => {
  const code = context.evalCode(`(async function (input, nodes, execution) {${job.source}\n})`, 'code.js', { strict: false });
  if (code.error) return failureOf(code.error);
  const seeds = [...getRandomValues(new Uint32Array(3))].map((seed) => context.newNumber(seed));
  const called = context.callFunction(call, context.undefined, code.value, context.newString(job.scope), settle, ...seeds);
  if (called.error) return failureOf(called.error);
  while (!now.outcome && runtime.hasPendingJob()) {
    const jobs = runtime.executePendingJobs(1_000);
    if (jobs.error) return failureOf(jobs.error);
    if (now.ranOut || Date.now() > now.deadline) return timeOut;
  }
  if (now.ranOut) return timeOut;
  return now.outcome ?? { code: 'code_failed', message: 'The code waits for something that never comes: there are no timers and no input or output here', retryable: false };
};

const timeOut: JobFailure = { code: 'code_timeout', message: 'The code ran longer than its limit', retryable: true };

const settled = (how: string, value: string, stack: string, retryable: boolean): JobOutcome => {
  if (how === 'failed') return failed(value, stack, retryable);
  if (how === 'invalid') return { code: 'code_output_invalid', message: `Expected the code to return JSON, but ${value}`, retryable: false };
  if (value.length > MAX_OUTPUT_CHARS)
    return { code: 'output_too_large', message: `Expected an output of at most ${MAX_OUTPUT_CHARS} bytes, but it has ${value.length}`, retryable: false };
  return { output: value };
};

const failureOf = (error: QuickJSHandle): JobFailure => {
  if (now.ranOut) return timeOut;
  if (context.typeof(error) !== 'object' || context.sameValue(error, context.null)) return failed(`thrown: ${String(context.dump(error))}`, '', true);
  const text = (member: string): string => {
    const handle = context.getProp(error, member);
    return context.typeof(handle) === 'string' ? context.getString(handle) : '';
  };
  return failed(`${text('name') || 'Error'}: ${text('message')}`, text('stack'), true);
};

const failed = (message: string, stack: string, retryable: boolean): JobFailure => {
  if (now.ranOut) return timeOut;
  const isExhausted = memory.buffer.byteLength >= (START_BYTES + MEMORY_LIMIT_BYTES) * 0.8 && message.endsWith(': null');
  if (message === 'InternalError: out of memory' || isExhausted)
    return { code: 'code_memory', message: `The code needed more than its ${MEMORY_LIMIT_BYTES / 1024 / 1024} MiB of memory`, retryable: false };
  const line = /code\.js:(\d+)/.exec(stack)?.[1];
  return { code: 'code_failed', message: `${message.slice(0, 4_000)}${line ? ` (line ${line})` : ''}`, retryable };
};

/** @returns false when this process can't be trusted with another job. */
const work = (job: Job): boolean => {
  const began = performance.now();
  Object.assign(now, { id: job.id, began: Date.now(), deadline: Date.now() + job.timeoutMs, ranOut: false, lines: 0, unsent: [], outcome: undefined });
  let outcome: JobOutcome;
  let isSound = true;
  try {
    outcome = run(job);
  } catch (error) {
    // The WebAssembly stack or memory gave out below QuickJS.
    isSound = false;
    outcome = { code: 'code_memory', message: `The code needed more memory or stack than it has: ${String(error).slice(0, 200)}`, retryable: false };
  }
  now.deadline = Infinity;
  sendLines();
  const micros = Math.round((performance.now() - began) * 1_000);
  if ('code' in outcome) send(kind.failure, job.id, micros, JSON.stringify(outcome));
  else send(kind.output, job.id, micros, outcome.output);
  return isSound && memory.buffer.byteLength <= WORN_BYTES;
};

/** Blocks until so many bytes are there; undefined once the parent is gone. */
const take = (() => {
  let held: Buffer = Buffer.allocUnsafe(64 * 1024);
  let from = 0;
  let to = 0;
  return (bytes: number): Buffer | undefined => {
    if (to - from < bytes && held.length - from < bytes) {
      const roomier = bytes > held.length || held.length > 1024 * 1024 ? Buffer.allocUnsafe(Math.max(bytes, 64 * 1024)) : held;
      held.copy(roomier, 0, from, to);
      [held, from, to] = [roomier, 0, to - from];
    }
    while (to - from < bytes) {
      const read = readSync(WIRE, held, to, held.length - to, null);
      if (read === 0) return undefined;
      to += read;
    }
    from += bytes;
    return held.subarray(from - bytes, from);
  };
})();

const nextJob = (): Job | undefined => {
  const bytes = take(4)?.readUInt32BE(0);
  const frame = bytes === undefined ? undefined : take(bytes);
  if (!frame) return undefined;
  const source = 12 + frame.readUInt32BE(8);
  return { id: frame.readUInt32BE(0), timeoutMs: frame.readUInt32BE(4), source: frame.toString('utf8', 12, source), scope: frame.toString('utf8', source) };
};

const putBack = remember();
send(kind.ready, 0, 0, '');
for (let job = nextJob(); job; job = nextJob()) {
  if (!work(job)) {
    send(kind.left, 0, 0, '');
    break;
  }
  putBack();
}
process.exit(0);

/**
 * The process that untrusted code runs in: QuickJS in WebAssembly, without environment, file system or children of its own (the parent
 * starts it under Node's permission model). One job at a time. The memory of the engine is remembered once it is set up, and put back
 * before each job: whatever a job did to it is gone. A source that comes again is remembered compiled. See job.ts for what goes over the wire.
 * This file stands alone: the parent starts it as it is, from source or compiled.
 */
import { randomFillSync } from 'node:crypto';
import { readSync, writeSync } from 'node:fs';
import { RELEASE_SYNC } from 'quickjs-emscripten';
import type { ConsoleLevel, JobFailure, kinds } from './job.js';

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
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const MAX_MESSAGE_CHARS = 4_000;
const MAX_LINES = 1_000;
const MAX_LINE_CHARS = 8_192;
/** A job that takes longer than this says so, and its lines go out before its end. */
const LINES_WAIT_MS = 20;
/** What quick jobs give waits so long for that of the next ones: each write wakes the parent. */
const UNSENT_MS = 1;
const MOST_UNSENT = 64;
/** Compiled sources that are remembered, with all that belongs to them. */
const REMEMBERED_BYTES = 4 * 1024 * 1024;
const LONGEST_REMEMBERED_CHARS = 64 * 1024;

/**
 * Runs before any code and keeps what code may overwrite later. `run` calls the code; how it ended is in `state` then, and what it gave
 * can be asked for. `state` is shared with the host: how the job ended (see `ends`), and three words that seed the random numbers (sfc32),
 * as QuickJS' own generator would be put back with the rest of the memory.
 */
const prelude = `(() => {
  const { parse, stringify } = JSON, write = globalThis.__write, text = String, then = Promise.prototype.then, { apply } = Reflect, sourceOf = Function.prototype.toString;
  const state = new Uint32Array(globalThis.__state);
  delete globalThis.__write;
  delete globalThis.__state;
  let value = '', stack = '';
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
  const settle = (how, what, where) => { value = what; stack = where; state[0] = how; };
  const fail = (error) => { const { message, stack, retryable } = described(error); settle(retryable ? 3 : 4, message, stack); };
  const succeed = (value) => {
    let json; try { json = stringify(value === undefined ? null : value); } catch (error) { return settle(2, described(error).message, ''); }
    if (typeof json !== 'string') return settle(2, 'a ' + typeof value + ' is no JSON', '');
    settle(1, json, '');
  };
  return {
    run(code, scope) {
      a = state[1] | 0; b = state[2] | 0; c = state[3] | 0; d = 1;
      for (let i = 0; i < 12; i++) next();
      const { input, nodes, execution } = parse(scope);
      then.call(code(input, nodes, execution), succeed, fail);
    },
    value: () => value,
    stack: () => stack,
    isOne: (code, source) => typeof code === 'function' && apply(sourceOf, code, []) === source,
  };
})()`;
const ends = { open: 0, done: 1, invalid: 2, failed: 3, failedForGood: 4 };

interface Job {
  readonly id: number;
  readonly timeoutMs: number;
  /** What it gives may wait for that of the next one; what others gave may wait for it. */
  readonly isQuick: boolean;
  readonly source: string;
}

/** An address in the engine's memory. */
type Pointer = number;

/** What is used of the engine: values are pointers to them, texts are UTF-8 up to a zero. */
interface Engine {
  QTS_NewRuntime(): Pointer;
  QTS_NewContext(runtime: Pointer, intrinsics: number): Pointer;
  QTS_RuntimeSetMemoryLimit(runtime: Pointer, bytes: number): void;
  QTS_RuntimeSetMaxStackSize(runtime: Pointer, bytes: number): void;
  QTS_RuntimeEnableInterruptHandler(runtime: Pointer): void;
  QTS_NewFunction(context: Pointer, name: string, length: number, isConstructor: boolean, id: number): Pointer;
  QTS_NewArrayBuffer(context: Pointer, bytes: Pointer, length: number): Pointer;
  QTS_NewString(context: Pointer, text: Pointer): Pointer;
  QTS_GetString(context: Pointer, value: Pointer): Pointer;
  QTS_FreeCString(context: Pointer, text: Pointer): void;
  QTS_GetGlobalObject(context: Pointer): Pointer;
  QTS_GetProp(context: Pointer, value: Pointer, name: Pointer): Pointer;
  QTS_SetProp(context: Pointer, value: Pointer, name: Pointer, member: Pointer): void;
  QTS_FreeValuePointer(context: Pointer, value: Pointer): void;
  QTS_GetUndefined(): Pointer;
  QTS_GetNull(): Pointer;
  QTS_GetTrue(): Pointer;
  QTS_IsEqual(context: Pointer, a: Pointer, b: Pointer, how: number): number;
  QTS_Typeof(context: Pointer, value: Pointer): Pointer;
  QTS_ArgvGetJSValueConstPointer(values: Pointer, index: number): Pointer;
  QTS_Eval(context: Pointer, code: Pointer, bytes: number, file: string, detectModule: number, flags: number): Pointer;
  QTS_Call(context: Pointer, callee: Pointer, self: Pointer, count: number, values: Pointer): Pointer;
  QTS_ResolveException(context: Pointer, value: Pointer): Pointer;
  QTS_IsJobPending(runtime: Pointer): number;
  QTS_ExecutePendingJob(runtime: Pointer, most: number, context: Pointer): Pointer;
}

/** The engine's module: memory, and what it asks of the host. */
interface Module {
  _malloc(bytes: number): Pointer;
  _free(at: Pointer): void;
  callbacks: {
    callFunction(asyncify: undefined, context: Pointer, self: Pointer, count: number, values: Pointer, id: number): Pointer;
    shouldInterrupt(): 0 | 1;
  };
}

declare const WebAssembly: { readonly Memory: new (pages: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer } };

const memory = new WebAssembly.Memory({ initial: START_BYTES / PAGE_BYTES, maximum: (START_BYTES + MEMORY_LIMIT_BYTES) / PAGE_BYTES });
const load = (await RELEASE_SYNC.importModuleLoader()) as unknown as (options: object) => Promise<Module>;
const engineModule = await load({ wasmMemory: memory });
const engine = new (await RELEASE_SYNC.importFFI())(engineModule as never) as unknown as Engine;
const parent = process.ppid;

let view = Buffer.from(memory.buffer);
/** The engine's memory as it is now: it gets another buffer when it grows. */
const heap = (): Buffer => {
  if (view.length === 0) view = Buffer.from(memory.buffer);
  return view;
};

/** Frames that are not sent yet. */
let unsent = Buffer.allocUnsafe(64 * 1024);
let unsentBytes = 0;
let unsentCount = 0;
let unsentSince = 0;

const flush = (): void => {
  for (let sent = 0; sent < unsentBytes; ) sent += writeSync(WIRE, unsent, sent, unsentBytes - sent);
  if (unsent.length > 1024 * 1024) unsent = Buffer.allocUnsafe(64 * 1024);
  unsentBytes = unsentCount = 0;
};

/** Adds a frame with room for so many bytes of text. @returns where they belong in `unsent` */
const frame = (type: number, id: number, micros: number, bytes: number): number => {
  const at = unsentBytes + 13;
  if (at + bytes > unsent.length) {
    const roomier = Buffer.allocUnsafe(2 * unsent.length + 13 + bytes);
    unsent.copy(roomier, 0, 0, unsentBytes);
    unsent = roomier;
  }
  unsent.writeUInt32BE(9 + bytes, unsentBytes);
  unsent.writeUInt8(type, unsentBytes + 4);
  unsent.writeUInt32BE(id, unsentBytes + 5);
  unsent.writeUInt32BE(Math.min(micros, 0xffffffff), unsentBytes + 9);
  unsentBytes = at + bytes;
  unsentCount++;
  return at;
};

const add = (type: number, id: number, micros: number, text: string): void => {
  const at = frame(type, id, micros, Buffer.byteLength(text));
  unsent.write(text, at);
};

/** The job at hand: what it may use up, read by the interrupt handler, and its lines that are not sent yet. */
const now = { id: 0, began: Infinity, deadline: Infinity, ranOut: false, hasTold: false, lines: 0, unsent: [] as [ConsoleLevel, string][] };

const addLines = (): void => {
  if (now.unsent.length === 0) return;
  add(kind.lines, now.id, 0, JSON.stringify(now.unsent));
  now.unsent = [];
};

/** Tells that the job at hand takes longer, and its lines so far. */
const tell = (): void => {
  if (now.hasTold) addLines();
  else add(kind.lines, now.id, 0, JSON.stringify(now.unsent.splice(0)));
  now.hasTold = true;
  flush();
};

let ticks = 0;
engineModule.callbacks = {
  shouldInterrupt() {
    if (++ticks % 64 === 0 && process.ppid !== parent) process.exit(0);
    const at = performance.now();
    if (at - now.began > LINES_WAIT_MS) tell();
    else if (at - now.began > UNSENT_MS) flush();
    now.ranOut ||= at > now.deadline;
    return now.ranOut ? 1 : 0;
  },
  /** A line of the console. */
  callFunction(_asyncify, _context, _self, _count, values) {
    if (++now.lines > MAX_LINES) return 0;
    const text = now.lines === MAX_LINES ? `Only the first ${MAX_LINES - 1} lines are kept` : textOf(engine.QTS_ArgvGetJSValueConstPointer(values, 1), MAX_LINE_CHARS);
    now.unsent.push([textOf(engine.QTS_ArgvGetJSValueConstPointer(values, 0)) as ConsoleLevel, text]);
    if (performance.now() - now.began > LINES_WAIT_MS) tell();
    return 0;
  },
};

const runtime = engine.QTS_NewRuntime();
engine.QTS_RuntimeSetMemoryLimit(runtime, MEMORY_LIMIT_BYTES);
engine.QTS_RuntimeSetMaxStackSize(runtime, STACK_LIMIT_BYTES);
engine.QTS_RuntimeEnableInterruptHandler(runtime);
const context = engine.QTS_NewContext(runtime, 0);

/** Bytes of the engine's memory, zero-ended. */
const allocated = (bytes: number): Pointer => {
  const at = engineModule._malloc(bytes + 1);
  if (at === 0) throw new Error('no memory is left');
  heap()[at + bytes] = 0;
  return at;
};

const bytesOf = (text: string): { at: Pointer; bytes: number } => {
  const bytes = Buffer.byteLength(text);
  const at = allocated(bytes);
  heap().write(text, at);
  return { at, bytes };
};
const newText = (text: string): Pointer => engine.QTS_NewString(context, bytesOf(text).at);

/** The value as text, cut to so many characters. */
const textOf = (value: Pointer, chars = MAX_OUTPUT_BYTES): string => {
  const at = engine.QTS_GetString(context, value);
  if (at === 0) return '';
  const text = heap()
    .toString('utf8', at, Math.min(heap().indexOf(0, at), at + 3 * chars))
    .slice(0, chars);
  engine.QTS_FreeCString(context, at);
  return text;
};
const member = (value: Pointer, name: string): Pointer => engine.QTS_GetProp(context, value, newText(name));
const typeOf = (value: Pointer): string => {
  const at = engine.QTS_Typeof(context, value);
  return heap().toString('latin1', at, heap().indexOf(0, at));
};
const evaluate = (code: string, file: string): Pointer => {
  const { at, bytes } = bytesOf(code);
  return engine.QTS_Eval(context, at, bytes, file, 0, 0);
};

const STATE_BYTES = 16;
const state = allocated(STATE_BYTES);
heap().fill(0, state, state + STATE_BYTES);
const globals = engine.QTS_GetGlobalObject(context);
engine.QTS_SetProp(context, globals, newText('__write'), engine.QTS_NewFunction(context, 'write', 2, false, 1));
engine.QTS_SetProp(context, globals, newText('__state'), engine.QTS_NewArrayBuffer(context, state, STATE_BYTES));
const host = evaluate(prelude, 'prelude');
const [runFunction, valueFunction, stackFunction, isOneFunction] = ['run', 'value', 'stack', 'isOne'].map((name) => member(host, name)) as [Pointer, Pointer, Pointer, Pointer];
const undefinedValue = engine.QTS_GetUndefined();
const argumentsAt = allocated(8);
const lastContextAt = allocated(4);

const call = (callee: Pointer, first?: Pointer, second?: Pointer): Pointer => {
  if (first !== undefined) heap().writeUInt32LE(first, argumentsAt);
  if (second !== undefined) heap().writeUInt32LE(second, argumentsAt + 4);
  return engine.QTS_Call(context, callee, undefinedValue, first === undefined ? 0 : second === undefined ? 1 : 2, argumentsAt);
};

/** QuickJS bounds its stack by STACK_LIMIT_BYTES; this is more than it reaches. */
const STACK_BYTES = 320 * 1024;
const PROBE_BYTES = 256 * 1024;
const PIECE_BYTES = 1_024;
const zeros = Buffer.alloc(PIECE_BYTES);

interface Piece {
  readonly at: number;
  readonly bytes: Buffer;
}

/** Where malloc keeps the end of the memory it has asked for: the largest word that an allocation raises, and that stays when it is freed. -1: not to be told. */
const findBreak = (): number => {
  const words = (): Uint32Array => new Uint32Array(memory.buffer, 0, (1024 * 1024) / 4);
  const before = words().slice();
  const large = engineModule._malloc(PROBE_BYTES);
  const during = words().slice();
  engineModule._free(large);
  const after = words();
  let found = -1;
  for (let i = 0; i < before.length; i++) {
    const [was = 0, is = 0] = [before[i], during[i]];
    if (is > was && was > 0 && is <= memory.buffer.byteLength && is > (during[found] ?? PROBE_BYTES)) found = i;
  }
  return found < 0 || after[found] !== during[found] ? -1 : found * 4;
};

/** The memory as it is once the engine is set up: below the stack, and from the stack's upper end through the heap. What lies beyond is zero, and so is the rest of the stack. */
const base = (() => {
  const pieces: Piece[] = [];
  for (let at = 0; at < heap().length; at += PIECE_BYTES) {
    const bytes = heap().subarray(at, at + PIECE_BYTES);
    if (!bytes.equals(zeros)) pieces.push({ at, bytes: Buffer.from(bytes) });
  }
  const found = findBreak();
  const breakPiece = pieces.find(({ at }) => found >= at && found < at + PIECE_BYTES);
  const used = breakPiece ? breakPiece.bytes.readUInt32LE(found - breakPiece.at) : memory.buffer.byteLength;
  let gap = { from: 0, to: 0 };
  let from = 0;
  for (const { at } of pieces) {
    if (at - from > gap.to - gap.from) gap = { from, to: at };
    from = at + PIECE_BYTES;
  }
  const low = Buffer.alloc(gap.from);
  const high = Buffer.alloc(used - gap.to);
  for (const { at, bytes } of pieces) bytes.copy(at < gap.from ? low : high, at < gap.from ? at : at - gap.to);
  return { breakAt: breakPiece ? found : -1, used, gap, low, high };
})();

const heapEnd = (): number => (base.breakAt < 0 ? memory.buffer.byteLength : heap().readUInt32LE(base.breakAt));

const putBack = (changes: readonly Piece[]): void => {
  const { used, gap, low, high } = base;
  const end = heapEnd();
  const present = heap();
  present.set(low);
  const deep = gap.to - STACK_BYTES;
  present.fill(0, present.compare(zeros, 0, PIECE_BYTES, deep, deep + PIECE_BYTES) === 0 ? deep : gap.from, gap.to);
  present.set(high, gap.to);
  if (end > used) present.fill(0, used, end);
  for (const { at, bytes } of changes) present.set(bytes, at);
};

/** How the memory differs from `base`, but for the stack. */
const changesSince = (): Piece[] => {
  const { used, gap, low, high } = base;
  const present = heap();
  const changes: Piece[] = [];
  const compare = (start: number, end: number, was: (at: number, to: number) => Buffer): void => {
    for (let at = start; at < end; at += PIECE_BYTES) {
      const bytes = present.subarray(at, Math.min(at + PIECE_BYTES, end));
      if (!bytes.equals(was(at, at + bytes.length))) changes.push({ at, bytes: Buffer.from(bytes) });
    }
  };
  compare(0, gap.from, (at, to) => low.subarray(at, to));
  compare(gap.to, used, (at, to) => high.subarray(at - gap.to, to - gap.to));
  compare(used, heapEnd(), (at, to) => zeros.subarray(0, to - at));
  return changes;
};

/** A source as it is compiled: where its function is, and how the memory differs then. Nothing of any job is in it. */
interface Compiled {
  readonly code: Pointer;
  readonly changes: readonly Piece[];
  readonly bytes: number;
}

/** By source, the one used last at the end. `once`: seen once. `never`: it does things while it is compiled. */
const remembered = new Map<string, Compiled | 'once' | 'never'>();
let rememberedBytes = 0;

const bytesFor = (source: string, what: Compiled | string | undefined): number => 200 + 2 * source.length + (typeof what === 'object' ? what.bytes : 0);

const remember = (source: string, compiled: Compiled | 'once' | 'never'): void => {
  if (source.length > LONGEST_REMEMBERED_CHARS) return;
  // One source does not push out all others.
  const what = typeof compiled === 'object' && compiled.bytes > REMEMBERED_BYTES / 4 ? 'never' : compiled;
  forget(source);
  remembered.set(source, what);
  rememberedBytes += bytesFor(source, what);
  for (const [oldest] of remembered) {
    if (rememberedBytes <= REMEMBERED_BYTES) break;
    forget(oldest);
  }
};

const forget = (source: string): void => {
  const what = remembered.get(source);
  if (remembered.delete(source)) rememberedBytes -= bytesFor(source, what);
};

/** Leaves the function of the source in the memory, and else only what the engine began with. @returns the function, or where an error is */
const compile = (source: string): { readonly code: Pointer } | { readonly error: Pointer } => {
  const known = remembered.get(source);
  if (typeof known === 'object') {
    // The one used last is the last to be forgotten.
    remembered.delete(source);
    remembered.set(source, known);
    putBack(known.changes);
    return known;
  }
  putBack([]);
  const text = `async function (input, nodes, execution) {${source}\n}`;
  const code = evaluate(`(${text})`, 'code.js');
  const error = engine.QTS_ResolveException(context, code);
  if (error !== 0) return { error };
  if (known === undefined) remember(source, 'once');
  if (known !== 'once') return { code };
  const changes = changesSince();
  // A source may end the function that it is put in, and do things right here: those belong to its job alone.
  const isOne = engine.QTS_IsEqual(context, call(isOneFunction, code, newText(text)), engine.QTS_GetTrue(), 0) === 1;
  remember(source, isOne ? { code, changes, bytes: changes.length * (PIECE_BYTES + 100) } : 'never');
  putBack(changes);
  return { code };
};

/** Three random words for each job. */
const seeds = Buffer.alloc(12 * 256);
let seedsUsed = seeds.length;
const seed = (): void => {
  if (seedsUsed === seeds.length) {
    randomFillSync(seeds);
    seedsUsed = 0;
  }
  seeds.copy(heap(), state + 4, seedsUsed, seedsUsed + 12);
  seedsUsed += 12;
};

/** The JSON text of what the code returned, in the engine's memory. */
interface Output {
  readonly at: Pointer;
  readonly bytes: number;
}

/** @param scope JSON text of {input, nodes, execution} */
const run = (source: string, scope: Buffer): Output | JobFailure => {
  const compiled = compile(source);
  if ('error' in compiled) return failureOf(compiled.error);
  seed();
  const scopeAt = allocated(scope.length);
  heap().set(scope, scopeAt);
  const error = engine.QTS_ResolveException(context, call(runFunction, compiled.code, engine.QTS_NewString(context, scopeAt)));
  if (error !== 0) return failureOf(error);
  while (heap()[state] === ends.open && engine.QTS_IsJobPending(runtime)) {
    const executed = engine.QTS_ExecutePendingJob(runtime, 1_000, lastContextAt);
    if (typeOf(executed) !== 'number') return failureOf(executed);
    if (now.ranOut || performance.now() > now.deadline) return timeOut;
  }
  return now.ranOut ? timeOut : settled(heap()[state] as number);
};

const timeOut: JobFailure = { code: 'code_timeout', message: 'The code ran longer than its limit', retryable: true };

const settled = (how: number): Output | JobFailure => {
  if (how === ends.open)
    return { code: 'code_failed', message: 'The code waits for something that never comes: there are no timers and no input or output here', retryable: false };
  // What is left to do is little, and none of the code's.
  now.deadline = Number.POSITIVE_INFINITY;
  const value = call(valueFunction);
  if (how === ends.invalid) return { code: 'code_output_invalid', message: `Expected the code to return JSON, but ${textOf(value)}`, retryable: false };
  if (how !== ends.done) return failed(textOf(value, MAX_MESSAGE_CHARS), textOf(call(stackFunction)), how === ends.failed);
  const at = engine.QTS_GetString(context, value);
  if (at === 0) throw new Error('no memory is left for the output');
  const bytes = heap().indexOf(0, at) - at;
  if (bytes > MAX_OUTPUT_BYTES) return { code: 'output_too_large', message: `Expected an output of at most ${MAX_OUTPUT_BYTES} bytes, but it has ${bytes}`, retryable: false };
  return { at, bytes };
};

const failureOf = (error: Pointer): JobFailure => {
  if (now.ranOut) return timeOut;
  if (typeOf(error) !== 'object' || engine.QTS_IsEqual(context, error, engine.QTS_GetNull(), 0) === 1) return failed(`thrown: ${textOf(error)}`, '', true);
  const text = (name: string): string => {
    const value = member(error, name);
    return typeOf(value) === 'string' ? textOf(value) : '';
  };
  return failed(`${text('name') || 'Error'}: ${text('message')}`, text('stack'), true);
};

const failed = (message: string, stack: string, retryable: boolean): JobFailure => {
  if (now.ranOut) return timeOut;
  const isExhausted = memory.buffer.byteLength >= (START_BYTES + MEMORY_LIMIT_BYTES) * 0.8 && message.endsWith(': null');
  if (message === 'InternalError: out of memory' || isExhausted)
    return { code: 'code_memory', message: `The code needed more than its ${MEMORY_LIMIT_BYTES / 1024 / 1024} MiB of memory`, retryable: false };
  const line = /code\.js:(\d+)/.exec(stack)?.[1];
  return { code: 'code_failed', message: `${message.slice(0, MAX_MESSAGE_CHARS)}${line ? ` (line ${line})` : ''}`, retryable };
};

/** @returns false when this process can't be trusted with another job. */
const work = (job: Job, scope: Buffer): boolean => {
  if (!job.isQuick) flush();
  now.id = job.id;
  now.began = performance.now();
  now.deadline = now.began + job.timeoutMs;
  now.ranOut = now.hasTold = false;
  now.lines = 0;
  let outcome: Output | JobFailure;
  let isSound = true;
  try {
    outcome = run(job.source, scope);
  } catch (error) {
    // The WebAssembly stack or memory gave out below QuickJS.
    isSound = false;
    outcome = { code: 'code_memory', message: `The code needed more memory or stack than it has: ${String(error).slice(0, 200)}`, retryable: false };
  }
  now.deadline = Infinity;
  addLines();
  const ended = performance.now();
  const micros = Math.round((ended - now.began) * 1_000);
  if (unsentCount === 0) unsentSince = ended;
  if ('code' in outcome) add(kind.failure, job.id, micros, JSON.stringify(outcome));
  else {
    const at = frame(kind.output, job.id, micros, outcome.bytes);
    heap().copy(unsent, at, outcome.at, outcome.at + outcome.bytes);
  }
  if (!job.isQuick || unsentCount >= MOST_UNSENT || ended - unsentSince > UNSENT_MS) flush();
  return isSound && memory.buffer.byteLength <= WORN_BYTES;
};

/** What came over the wire and is not read yet. */
let held = Buffer.allocUnsafe(64 * 1024);
let heldFrom = 0;
let heldTo = 0;

/** The bytes of the next frame behind its length. Blocks until they are there; undefined once the parent is gone. */
const nextFrame = (): Buffer | undefined => {
  for (;;) {
    const there = heldTo - heldFrom;
    const whole = there < 4 ? 4 : 4 + held.readUInt32BE(heldFrom);
    if (there >= 4 && there >= whole) {
      heldFrom += whole;
      return held.subarray(heldFrom - whole + 4, heldFrom);
    }
    flush();
    if (held.length - heldFrom < whole || there === 0) {
      const roomier = whole > held.length || held.length > 1024 * 1024 ? Buffer.allocUnsafe(Math.max(whole, 64 * 1024)) : held;
      held.copy(roomier, 0, heldFrom, heldTo);
      [held, heldFrom, heldTo] = [roomier, 0, there];
    }
    const read = readSync(WIRE, held, heldTo, held.length - heldTo, null);
    if (read === 0) return undefined;
    heldTo += read;
  }
};

add(kind.ready, 0, 0, '');
for (let next = nextFrame(); next; next = nextFrame()) {
  const scopeAt = 13 + next.readUInt32BE(9);
  const job = { id: next.readUInt32BE(0), timeoutMs: next.readUInt32BE(4), isQuick: next[8] === 1, source: next.toString('utf8', 13, scopeAt) };
  if (!work(job, next.subarray(scopeAt))) {
    add(kind.left, 0, 0, '');
    flush();
    break;
  }
}
process.exit(0);

/**
 * The process that untrusted code runs in: QuickJS in WebAssembly, without environment, file system or children of its own (the parent
 * starts it under Node's permission model). One job at a time, each in a runtime that is thrown away after it.
 * This file stands alone: the parent forks it as it is, from source or compiled.
 */
import { newQuickJSWASMModule, newVariant, type QuickJSContext, type QuickJSHandle, type QuickJSRuntime, RELEASE_SYNC, Scope } from 'quickjs-emscripten';
import type { ConsoleLevel, FromChild, Job, JobOutcome } from './job.js';

/** The parent says so. QuickJS' own limit counts single allocations but not their sum (WebAssembly's malloc can't tell sizes); the memory's maximum is what holds. */
const MEMORY_LIMIT_BYTES = Number(process.argv[2] ?? 64 * 1024 * 1024);
const PAGE_BYTES = 64 * 1024;
const START_BYTES = 16 * 1024 * 1024;
const STACK_LIMIT_BYTES = 256 * 1024;
/** WebAssembly memory never shrinks: a child that grew beyond this is replaced. */
const WORN_BYTES = 48 * 1024 * 1024;
/** The store of outputs decides what is too large; this only keeps a single message within reason. */
const MAX_OUTPUT_CHARS = 64 * 1024 * 1024;
const MAX_LINES = 1_000;
const MAX_LINE_CHARS = 8_192;

/** Runs before the code and keeps what the code may overwrite later. Its value calls the code and hands the result over as JSON text. */
const prelude = `(() => {
  const { parse, stringify } = JSON, write = globalThis.__write, text = String, then = Promise.prototype.then;
  delete globalThis.__write;
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
  return (code, scope, settle) => {
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

const toParent = (message: FromChild, sent?: () => void): void => void process.send?.(message, undefined, undefined, sent);

declare const WebAssembly: { readonly Memory: new (pages: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer } };

const memory = new WebAssembly.Memory({ initial: START_BYTES / PAGE_BYTES, maximum: (START_BYTES + MEMORY_LIMIT_BYTES) / PAGE_BYTES });
const quickjs = await newQuickJSWASMModule(newVariant(RELEASE_SYNC, { wasmMemory: memory }));
const parent = process.ppid;

/** What the job at hand may use up; read by the interrupt handler. */
let deadline = Infinity;
let ranOut = false;

interface Prepared {
  readonly runtime: QuickJSRuntime;
  readonly context: QuickJSContext;
}

/** A runtime ahead of its job, so that a job needn't wait for it. */
const prepare = (): Prepared => {
  const runtime = quickjs.newRuntime();
  runtime.setMemoryLimit(MEMORY_LIMIT_BYTES);
  runtime.setMaxStackSize(STACK_LIMIT_BYTES);
  let ticks = 0;
  runtime.setInterruptHandler(() => {
    if (++ticks % 64 === 0 && process.ppid !== parent) process.exit(0);
    ranOut ||= Date.now() > deadline;
    return ranOut;
  });
  return { runtime, context: runtime.newContext() };
};

const run = ({ runtime, context }: Prepared, job: Job, scope: Scope): JobOutcome => {
  let lines = 0;
  let outcome: JobOutcome | undefined;
  const write = scope.manage(
    context.newFunction('write', (level, text) => {
      if (++lines > MAX_LINES) return;
      const isLast = lines === MAX_LINES;
      toParent({
        type: 'line',
        id: job.id,
        level: context.getString(level) as ConsoleLevel,
        text: isLast ? `Only the first ${MAX_LINES - 1} lines are kept` : context.getString(text).slice(0, MAX_LINE_CHARS),
      });
    }),
  );
  const settle = scope.manage(
    context.newFunction('settle', (kind, value, stack, retryable) => {
      outcome ??= settled(context.getString(kind), context.getString(value), context.getString(stack), context.dump(retryable) === true);
    }),
  );
  context.setProp(context.global, '__write', write);
  const call = evaluate(context, prelude, 'prelude', scope);
  if ('code' in call) return call;
  const code = evaluate(context, `(async function (input, nodes, execution) {${job.source}\n})`, 'code.js', scope);
  if ('code' in code) return code;
  const called = context.callFunction(call.handle, context.undefined, code.handle, scope.manage(context.newString(job.scope)), settle);
  if (called.error) return failureOf(context, scope.manage(called.error));
  called.value.dispose();
  while (!outcome && runtime.hasPendingJob()) {
    const jobs = runtime.executePendingJobs(1_000);
    if (jobs.error) return failureOf(context, scope.manage(jobs.error));
    if (ranOut || Date.now() > deadline) return timeOut;
  }
  if (ranOut) return timeOut;
  return outcome ?? { code: 'code_failed', message: 'The code waits for something that never comes: there are no timers and no input or output here', retryable: false };
};

type Failed = Extract<JobOutcome, { code: string }>;

const timeOut: Failed = { code: 'code_timeout', message: 'The code ran longer than its limit', retryable: true };

const evaluate = (context: QuickJSContext, source: string, file: string, scope: Scope): Failed | { handle: QuickJSHandle } => {
  const result = context.evalCode(source, file, { strict: false });
  return result.error ? failureOf(context, scope.manage(result.error)) : { handle: scope.manage(result.value) };
};

const settled = (kind: string, value: string, stack: string, retryable: boolean): JobOutcome => {
  if (kind === 'failed') return failed(value, stack, retryable);
  if (kind === 'invalid') return { code: 'code_output_invalid', message: `Expected the code to return JSON, but ${value}`, retryable: false };
  if (value.length > MAX_OUTPUT_CHARS)
    return { code: 'output_too_large', message: `Expected an output of at most ${MAX_OUTPUT_CHARS} bytes, but it has ${value.length}`, retryable: false };
  return { output: value };
};

const failureOf = (context: QuickJSContext, error: QuickJSHandle): Failed => {
  if (ranOut) return timeOut;
  if (context.typeof(error) !== 'object' || context.sameValue(error, context.null)) return failed(`thrown: ${String(context.dump(error))}`, '', true);
  const text = (member: string): string => {
    using handle = context.getProp(error, member);
    return context.typeof(handle) === 'string' ? context.getString(handle) : '';
  };
  return failed(`${text('name') || 'Error'}: ${text('message')}`, text('stack'), true);
};

const failed = (message: string, stack: string, retryable: boolean): Failed => {
  if (ranOut) return timeOut;
  const isExhausted = memory.buffer.byteLength >= (START_BYTES + MEMORY_LIMIT_BYTES) * 0.8 && message.endsWith(': null');
  if (message === 'InternalError: out of memory' || isExhausted)
    return { code: 'code_memory', message: `The code needed more than its ${MEMORY_LIMIT_BYTES / 1024 / 1024} MiB of memory`, retryable: false };
  const line = /code\.js:(\d+)/.exec(stack)?.[1];
  return { code: 'code_failed', message: `${message.slice(0, 4_000)}${line ? ` (line ${line})` : ''}`, retryable };
};

let prepared: Prepared = prepare();

/** @returns false when this process can't be trusted with another job. */
const work = (job: Job): boolean => {
  deadline = Date.now() + job.timeoutMs;
  ranOut = false;
  const scope = new Scope();
  let outcome: JobOutcome;
  let isBroken = false;
  try {
    outcome = run(prepared, job, scope);
  } catch (error) {
    // The WebAssembly stack or memory gave out below QuickJS.
    isBroken = true;
    outcome = { code: 'code_memory', message: `The code needed more memory or stack than it has: ${String(error).slice(0, 200)}`, retryable: false };
  }
  deadline = Infinity;
  const isWorn = isBroken || memory.buffer.byteLength > WORN_BYTES;
  // What has not left the process when it disconnects is lost.
  toParent({ type: 'done', id: job.id, outcome }, isWorn ? () => process.disconnect() : undefined);
  if (isWorn) return false;
  scope.dispose();
  prepared.context.dispose();
  prepared.runtime.dispose();
  prepared = prepare();
  return true;
};

process.on('message', (job: Job) => {
  try {
    if (work(job)) toParent({ type: 'ready' });
  } catch {
    process.disconnect();
  }
});
process.on('disconnect', () => process.exit(0));
toParent({ type: 'ready' });

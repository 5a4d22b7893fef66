import { setTimeout as pause } from 'node:timers/promises';
import { ArtifactMissing, ArtifactsUnwritable, type Bodies } from '@runlog/artifacts';
import { type BodyReference, type Json, largestInlineBytes, type NodeTask } from '@runlog/execution';
import type { Scope } from '@runlog/workflow';
import { NodeFailure, terminal } from './kinds/node-kind.js';

/** A store that takes nothing is asked again for so long before the node fails of it: its effect has been had already. */
const STORE_WITHIN_MS = 30_000;
const STORE_AGAIN_MS = 500;

/** An output as a report carries it: in place, or stored and referred to. */
export type Reported = { readonly output: Json; readonly outputRef?: BodyReference };

/** Whether JSON text fits a report. */
export const isInline = (text: string): boolean => Buffer.byteLength(text) <= largestInlineBytes;

/** Stores an output that is too large for a report. @throws NodeFailure `output_too_large`, `artifact_store_full` */
export const stowed = async (bodies: Bodies, task: NodeTask, text: string, signal: AbortSignal): Promise<Reported> => {
  const bytes = Buffer.byteLength(text);
  const { limitBytes } = bodies.store;
  if (bytes > limitBytes) throw terminal('output_too_large', `Expected an output of at most ${limitBytes} bytes, but node '${task.node}' gave ${bytes}`);
  return { output: null, outputRef: await stored(bodies, task, text, signal) };
};

/** Stores JSON text, while the store takes nothing for a while, too. @throws NodeFailure `artifact_store_full` */
export const stored = async ({ store }: Bodies, { workspaceId }: NodeTask, text: string, signal: AbortSignal): Promise<BodyReference> => {
  for (const deadline = performance.now() + STORE_WITHIN_MS; ; )
    try {
      return await store.put(workspaceId, text);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ArtifactsUnwritable)) throw error;
      if (performance.now() > deadline) throw new NodeFailure({ code: 'artifact_store_full', message: error.message, retryable: true }, { cause: error });
      await pause(STORE_AGAIN_MS, undefined, { signal });
    }
};

/** The scope with what is stored elsewhere in place. @throws NodeFailure `input_too_large`, `artifact_missing` */
export const wholeScope = async (bodies: Bodies, { scope, bodies: missing, workspaceId, node }: NodeTask): Promise<Scope> => {
  if (!missing) return scope;
  const references = [...(missing.input ? [missing.input] : []), ...Object.values(missing.nodes)];
  const bytes = references.reduce((sum, reference) => sum + reference.bytes, 0);
  const { limitBytes } = bodies.store;
  if (bytes > limitBytes) throw terminal('input_too_large', `Expected what node '${node}' reads to have at most ${limitBytes} bytes, but it has ${bytes}`);
  try {
    const input = missing.input ? await bodies.json(workspaceId, missing.input) : scope.input;
    const nodes: { [node: string]: Json } = { ...scope.nodes };
    for (const [id, reference] of Object.entries(missing.nodes)) nodes[id] = await bodies.json(workspaceId, reference);
    return { ...scope, input, nodes, bytes };
  } catch (error) {
    throw unread(error);
  }
};

/** What is to be thrown where a stored body could not be read. */
export const unread = (error: unknown): unknown =>
  error instanceof ArtifactMissing ? new NodeFailure({ code: 'artifact_missing', message: error.message, retryable: true }, { cause: error }) : error;

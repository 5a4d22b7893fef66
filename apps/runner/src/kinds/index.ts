import { agent } from '../agent/agent.js';
import { code } from './code.js';
import { http } from './http.js';
import type { NodeKind } from './node-kind.js';

/** Every kind that runners serve: one line each. */
export const nodeKinds: ReadonlyMap<string, NodeKind> = new Map([http, code, agent].map((kind) => [kind.kind, kind]));

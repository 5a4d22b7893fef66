import { agent } from './agent.js';
import { approval } from './approval.js';
import { code } from './code.js';
import { condition } from './condition.js';
import { delay } from './delay.js';
import { http } from './http.js';
import type { Kind } from './kind.js';
import { merge } from './merge.js';
import { question } from './question.js';
import { switchKind } from './switch.js';
import { transform } from './transform.js';

/** Every kind of node there is, by its type. A new kind is one file and one entry here. */
export const kinds: ReadonlyMap<string, Kind> = new Map([transform, condition, switchKind, merge, http, code, delay, approval, question, agent].map((kind) => [kind.type, kind]));

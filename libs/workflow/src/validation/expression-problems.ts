import type { Json } from '../definition.js';
import { builtInNames } from '../expression/functions.js';
import { ExpressionUnreadable, parse } from '../expression/parsed.js';
import type { Shape } from '../expression/shape.js';
import { templateParts } from '../expression/templates.js';
import { nearest } from '../nearest.js';
import { type Problem, pointerTo } from '../problem.js';
import { scopeMembers } from '../scope.js';
import { short } from './graph-problems.js';

/** A node that an expression reads, and where it says so. */
export interface Use {
  readonly node: string;
  readonly pointer: string;
  readonly position: number | undefined;
}

export interface Findings {
  readonly problems: Problem[];
  readonly uses: Use[];
}

/** Reads one expression. `offset`: where it begins in its string. */
export function readExpression(text: string, pointer: string, offset: number, findings: Findings): void {
  let shape: Shape;
  try {
    shape = parse(text).shape;
  } catch (error) {
    if (!(error instanceof ExpressionUnreadable)) throw error;
    findings.problems.push({ pointer, detail: `Expected a JSONata expression, but ${error.message}${at(error.position, offset)}` });
    return;
  }
  for (const { node, position } of shape.references) findings.uses.push({ node, pointer, position: position === undefined ? undefined : position + offset });
  for (const [name, position] of shape.variables) {
    if (shape.bound.has(name) || (builtInNames.has(name) && name !== 'eval')) continue;
    const detail =
      name === 'eval' ? "Expected an expression without '$eval', which is not available" : `Expected a function or variable that exists, but there is no '$${short(name)}'`;
    const meant = nearest(name, [...shape.bound, ...builtInNames]);
    findings.problems.push({ pointer, detail: detail + at(position, offset), ...(meant && name !== 'eval' ? { suggestion: `$${meant}` } : {}) });
  }
  for (const [name, position] of shape.names) {
    if (scopeMembers.includes(name)) continue;
    const meant = nearest(name, scopeMembers);
    findings.problems.push({
      pointer,
      detail: `Expected one of ${scopeMembers.map((member) => `'${member}'`).join(', ')}, but got '${short(name)}'${at(position, offset)}`,
      ...(meant ? { suggestion: meant } : {}),
    });
  }
}

/** Reads every template in the strings of a value. */
export function readTemplates(value: Json, pointer: string, findings: Findings): void {
  if (typeof value === 'string') {
    if (!value.includes('{{')) return;
    const { parts, unclosedAt } = templateParts(value);
    if (unclosedAt !== undefined) findings.problems.push({ pointer, detail: `Expected '}}' after '{{'${at(unclosedAt, 0)}, but the text ends` });
    for (const part of parts) if (typeof part !== 'string') readExpression(part.expression, pointer, part.at, findings);
  } else if (typeof value === 'object' && value !== null) for (const [key, member] of Object.entries(value)) readTemplates(member, pointerTo(pointer, key), findings);
}

const at = (position: number | undefined, offset: number): string => (position === undefined ? '' : ` (at character ${position + offset})`);

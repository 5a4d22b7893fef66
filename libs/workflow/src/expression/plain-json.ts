import type { Json } from '../definition.js';
import { ExpressionFailed } from './expression-failed.js';
import { limits } from './limits.js';

/**
 * A copy that is what its JSON text would be read back as: no sequences, functions, NaN, missing members or broken characters.
 * Throws `ExpressionFailed` for a function, a number that JSON can't write, `__proto__`, NUL, or more than a result may hold.
 */
export function plainJson(value: unknown, most: number = limits.result): Json {
  return copy(value, 0, { left: most });
}

function copy(value: unknown, depth: number, room: { left: number }): Json {
  switch (typeof value) {
    case 'undefined':
      spend(room, 4);
      return null;
    case 'boolean':
      spend(room, 5);
      return value;
    case 'number':
      if (!Number.isFinite(value)) throw new ExpressionFailed('expression_failed', `its value has the number ${value}, which JSON can't write`);
      spend(room, 8);
      return value === 0 ? 0 : value;
    case 'string':
      return text(value, room);
    case 'object':
      break;
    default:
      throw new ExpressionFailed('expression_failed', 'its value is or has a function');
  }
  if (value === null) {
    spend(room, 4);
    return null;
  }
  if ('_jsonata_lambda' in value || '_jsonata_function' in value) throw new ExpressionFailed('expression_failed', 'its value is or has a function');
  if (depth >= limits.valueDepth) throw new ExpressionFailed('expression_too_large', `its value is nested deeper than ${limits.valueDepth} levels`);
  if (Array.isArray(value)) {
    spend(room, 2 + value.length);
    const items: Json[] = [];
    for (let index = 0; index < value.length; index++) items.push(copy(value[index], depth + 1, room));
    return items;
  }
  const members: { [key: string]: Json } = {};
  spend(room, 2);
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue;
    if (key === '__proto__') throw new ExpressionFailed('expression_failed', "its value has a member named '__proto__'");
    spend(room, 2);
    members[text(key, room)] = copy(member, depth + 1, room);
  }
  return members;
}

function text(value: string, room: { left: number }): string {
  spend(room, value.length + 2);
  if (value.includes('\0')) throw new ExpressionFailed('expression_failed', 'its value has a NUL character');
  return value.isWellFormed() ? value : value.toWellFormed();
}

function spend(room: { left: number }, characters: number): void {
  room.left -= characters;
  if (room.left < 0) throw new ExpressionFailed('expression_too_large', 'its value takes more characters of JSON than it may');
}

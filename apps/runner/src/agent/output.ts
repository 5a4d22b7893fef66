import type { Json } from '@runlog/execution';
import { validateJson } from '@runlog/workflow';
import { parseBounded } from '../plain-json.js';

const SHOWN_PROBLEMS = 10;

/** What a model is told that must answer in JSON. */
export const schemaInstruction = (schema: Json): string =>
  `Your final answer is one JSON value that matches this JSON Schema, without any text or code fence around it:\n${JSON.stringify(schema)}`;

/** The value that a model's text is, by its schema; or what to tell the model that is wrong with it. */
export const structured = (text: string, schema: Json): { readonly value: Json } | { readonly wrong: string } => {
  let value: Json;
  try {
    value = parseBounded(bare(text));
  } catch (error) {
    return { wrong: `it is not JSON: ${(error as Error).message}` };
  }
  const problems = validateJson(schema, value);
  if (problems.length === 0) return { value };
  return {
    wrong: problems
      .slice(0, SHOWN_PROBLEMS)
      .map(({ pointer, detail }) => `${pointer === '' ? '' : `${pointer}: `}${detail}`)
      .join('; '),
  };
};

export const repairRequest = (wrong: string): string => `That answer can't be used, because ${wrong}. Answer again with the JSON value alone.`;

/** Without the code fence that many models put around it. */
const bare = (text: string): string => /^\s*```(?:json)?\s*\n([\s\S]*?)\n?```\s*$/i.exec(text)?.[1] ?? text.trim();

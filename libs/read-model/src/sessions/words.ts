import type { Json } from '@runlog/workflow';

/** What a user said, of an agent's input: its `message`, or all of it as JSON. */
export const wordsOfUser = (input: Json): string => {
  if (typeof input === 'object' && input !== null && !Array.isArray(input) && typeof input.message === 'string') return input.message;
  return written(input);
};

/** What the agent said, of its output: its `response`, or all of it as JSON. */
export const wordsOfAgent = (output: Json): string => {
  if (typeof output === 'object' && output !== null && !Array.isArray(output) && typeof output.response === 'string') return output.response;
  return written(output);
};

const written = (value: Json): string => (typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value));

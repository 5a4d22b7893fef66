// The command line of a development tool: what is not known is refused, `--help` says what there is.
import { parseArgs } from 'node:util';

/**
 * `usage`: a line on how to call it and what it does. `flags`: names of switches. `values`: names with their defaults; a number stays a number, and of
 * words in an array (all by default) a comma list names some.
 * `positionals`: the same for arguments by position, or `{ rest: [allowed words] }`. Gives all by name; ends the process on anything else.
 */
export const commandLine = ({ usage, flags = [], values = {}, positionals = {} }) => {
  const options = {
    help: { type: 'boolean', short: 'h' },
    ...Object.fromEntries(flags.map((name) => [name, { type: 'boolean' }])),
    ...Object.fromEntries(Object.keys(values).map((name) => [name, { type: 'string' }])),
  };
  const refuse = (problem) => {
    process.stderr.write(`${problem}\n${usage}\n`);
    process.exit(2);
  };
  let given;
  try {
    given = parseArgs({ options, allowPositionals: true });
  } catch (error) {
    refuse(error.message);
  }
  if (given.values.help) {
    process.stdout.write(`${usage}\n`);
    process.exit(0);
  }
  const typed = (name, fallback, text) => {
    if (text !== undefined && Array.isArray(fallback)) {
      const words = text.split(',');
      return words.every((word) => fallback.includes(word)) ? words : refuse(`Expected some of ${fallback.join(', ')} for '${name}', but got '${text}'.`);
    }
    if (text === undefined || typeof fallback !== 'number') return text ?? fallback;
    const number = Number(text);
    return Number.isFinite(number) && number >= 0 ? number : refuse(`Expected a number for '${name}', but got '${text}'.`);
  };
  const { rest, ...named } = positionals;
  const names = Object.keys(named);
  const further = given.positionals.slice(names.length);
  const unknown = further.find((word) => !rest?.includes(word));
  if (unknown !== undefined) refuse(`Expected ${rest ? `one of ${rest.join(', ')}` : 'nothing more'}, but got '${unknown}'.`);
  return {
    ...Object.fromEntries(flags.map((name) => [name, given.values[name] ?? false])),
    ...Object.fromEntries(Object.entries(values).map(([name, fallback]) => [name, typed(`--${name}`, fallback, given.values[name])])),
    ...Object.fromEntries(names.map((name, i) => [name, typed(name, named[name], given.positionals[i])])),
    ...(rest ? { rest: further } : {}),
  };
};

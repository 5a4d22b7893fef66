import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

/** What of a value does not fit a schema whose references are into the document. */
export const flawsOf = ({ components }: { readonly components?: object }, schema: object, value: unknown): string[] => {
  const ajv = new Ajv2020({ strict: false, allErrors: true, formats: { 'iana-timezone': true, cursor: true } });
  addFormats.default(ajv);
  const holds = ajv.compile({ ...schema, components });
  return holds(value) ? [] : (holds.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message}`);
};

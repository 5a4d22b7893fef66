type Headers = Readonly<Record<string, string>>;

/** The order in which an event's headers are stored. Rows that exist rest on it: names may only be added at its end. */
const positions = [
  'ce_id',
  'ce_type',
  'ce_time',
  'ce_version',
  'ce_schemaversion',
  'ce_claim',
  'ce_previous',
  'ce_commandid',
  'ce_commandoffset',
  'ce_workspace',
  'traceparent',
  'ce_more',
] as const;
const optional = 2;
/** These follow from the key and the workspace. */
const implied = 3;
const specVersion = '1.0';
const sourcePrefix = '/workspaces/';

/** Headers as the table has them: nothing for none, an array for an event's, JSON for others. */
export const storedHeaders = (key: string, headers: Headers | undefined): string => {
  if (!headers) return '';
  const { traceparent, ce_more: more, ce_workspace: workspace, ce_source: source } = headers;
  let names = 0;
  for (const _ in headers) names++;
  const isEvent =
    names === positions.length - optional + implied + (traceparent === undefined ? 0 : 1) + (more === undefined ? 0 : 1) &&
    headers.ce_subject === key &&
    headers.ce_specversion === specVersion &&
    workspace !== undefined &&
    source?.length === sourcePrefix.length + workspace.length &&
    source.startsWith(sourcePrefix) &&
    source.endsWith(workspace);
  if (!isEvent) return JSON.stringify(headers);
  const { ce_id, ce_type, ce_time, ce_version, ce_schemaversion, ce_claim, ce_previous, ce_commandid, ce_commandoffset } = headers;
  const values = [ce_id, ce_type, ce_time, ce_version, ce_schemaversion, ce_claim, ce_previous, ce_commandid, ce_commandoffset, workspace, traceparent ?? null, more ?? null];
  return JSON.stringify(values.includes(undefined) ? headers : values);
};

/** The headers of a row. Those written before events had an array are JSON all of them. */
export const readHeaders = (key: string, stored: string): Headers => {
  if (stored === '') return {};
  const read = JSON.parse(stored) as Headers | (string | null)[];
  if (!Array.isArray(read)) return read as Headers;
  const headers: Record<string, string> = { ce_specversion: specVersion, ce_subject: key, ce_source: `${sourcePrefix}${read[positions.indexOf('ce_workspace')]}` };
  read.forEach((value, index) => {
    if (value !== null) headers[positions[index] as string] = value;
  });
  return headers;
};

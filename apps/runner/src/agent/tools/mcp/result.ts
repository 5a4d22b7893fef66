import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { Json } from '@runlog/execution';
import { isTooDeep, MAX_DEPTH } from '../../../plain-json.js';
import type { Picture, ToolResult } from '../tool.js';

/** More than that no model takes. */
const MAX_PICTURES = 8;
const MAX_PICTURE_CHARS = 8 * 1024 * 1024;

type Part = CallToolResult['content'][number];

/** What a server gave, as a tool's result: its structured content if there is some, else its texts. */
export const resultOf = ({ content, structuredContent, isError }: CallToolResult): ToolResult => {
  const given = content.flatMap((part) => (part.type === 'image' ? [part] : []));
  const pictures: Picture[] = given
    .filter(({ data }) => data.length <= MAX_PICTURE_CHARS)
    .slice(0, MAX_PICTURES)
    .map(({ mimeType, data }) => ({ mediaType: mimeType, base64: data }));
  const output = structuredContent ? plain(structuredContent as Json) : content.map(textOf).join('\n');
  return { output, ...(isError ? { isError } : {}), ...(pictures.length > 0 ? { pictures } : {}) };
};

const plain = (value: Json): Json => (isTooDeep(JSON.stringify(value)) ? `[A result that nests deeper than ${MAX_DEPTH} levels]` : value);

const textOf = (part: Part): string => {
  switch (part.type) {
    case 'text':
      return part.text;
    case 'resource':
      return 'text' in part.resource ? part.resource.text : `[A file: ${part.resource.uri}]`;
    case 'resource_link':
      return `[A link: ${part.name} ${part.uri}]`;
    default:
      return `[${part.type === 'image' ? 'A picture' : 'A sound'}: ${part.mimeType}]`;
  }
};

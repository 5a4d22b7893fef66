/** The text of a message's content in any of the wire formats: a string, or parts of which some are text. */
export const textOf = (content) => {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part) => (typeof part === 'string' ? part : (part.text ?? (part.content === undefined ? '' : textOf(part.content))))).join('');
};

/** A server-sent event. */
export const block = (data, event) => `${event ? `event: ${event}\n` : ''}data: ${JSON.stringify(data)}\n\n`;

/** One frame of a text/event-stream: LF only, one `data: ` line, then a blank line. */
export const frame = ({ id, event, data }: { readonly id?: number | string; readonly event?: string; readonly data: string }): string =>
  `${id === undefined ? '' : `id: ${id}\n`}${event === undefined ? '' : `event: ${event}\n`}data: ${data}\n\n`;

/** How long a client waits before it connects again. */
export const retryFrame = 'retry: 1000\n\n';

export const commentFrame = ': still here\n\n';

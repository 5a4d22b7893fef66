import { describe, expect, it } from '@jest/globals';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { commentFrame, frame, retryFrame } from './sse-frame.js';

describe('frame', () => {
  it('is id, event, one data line with a space, and a blank line, LF only', () => {
    expect(frame({ id: 4, event: 'NodeStarted', data: '{"a":1}' })).toBe('id: 4\nevent: NodeStarted\ndata: {"a":1}\n\n');
    expect(frame({ event: 'done', data: '{}' })).toBe('event: done\ndata: {}\n\n');
    expect(frame({ id: '7.1', data: '{}' })).toBe('id: 7.1\ndata: {}\n\n');
  });

  it('is understood by a parser of the standard', () => {
    const messages: EventSourceMessage[] = [];
    const comments: string[] = [];
    const parser = createParser({ onEvent: (message) => messages.push(message), onComment: (comment) => comments.push(comment), onRetry: (ms) => comments.push(String(ms)) });
    parser.feed(retryFrame + commentFrame + frame({ id: 1, event: 'A', data: JSON.stringify({ text: 'two\nlines' }) }));
    expect(messages).toEqual([{ id: '1', event: 'A', data: '{"text":"two\\nlines"}' }]);
    expect(comments).toEqual(['1000', 'still here']);
  });
});

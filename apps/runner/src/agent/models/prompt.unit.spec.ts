import { describe, expect, it } from '@jest/globals';
import type { AnswerPart, Message } from './conversation.js';
import { promptOf } from './prompt.js';

const parts: readonly AnswerPart[] = [
  { type: 'thinking', text: 'Hm', meta: { anthropic: { signature: 's' } } },
  { type: 'text', text: 'Looking' },
  { type: 'call', id: 'c1', name: 'look', text: '{"at": 1' },
];

describe('a prompt', () => {
  it('gives thinking and its signature back to the model that thought it, and to no other', () => {
    const messages: Message[] = [{ role: 'assistant', parts, by: 'anthropic/a' }];
    const [own] = promptOf(undefined, messages, 'anthropic/a');
    expect(own?.content).toMatchObject([{ type: 'reasoning', text: 'Hm', providerOptions: { anthropic: { signature: 's' } } }, { type: 'text' }, { type: 'tool-call' }]);
    const [other] = promptOf(undefined, messages, 'openai/o');
    expect(other?.content).toMatchObject([{ type: 'text' }, { type: 'tool-call' }]);
  });

  it('shows arguments that are no object as text', () => {
    const [message] = promptOf(undefined, [{ role: 'assistant', parts, by: null }], 'x');
    expect(message?.content).toMatchObject([{}, { toolCallId: 'c1', input: { malformed: '{"at": 1' } }]);
  });

  it('hands over pictures of tools as a user does', () => {
    const images = [{ media_type: 'image/png', data: 'AAAA' }];
    const prompt = promptOf('Be kind', [{ role: 'tool', results: [{ id: 'c1', name: 'look', output: { ok: true }, isError: true, images }] }], 'x');
    expect(prompt).toMatchObject([
      { role: 'system', content: 'Be kind' },
      { role: 'tool', content: [{ toolCallId: 'c1', output: { type: 'error-json', value: { ok: true } } }] },
      { role: 'user', content: [{ type: 'text' }, { type: 'file', mediaType: 'image/png', data: 'AAAA' }] },
    ]);
  });
});

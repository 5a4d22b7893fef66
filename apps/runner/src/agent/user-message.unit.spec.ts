import { describe, expect, it } from '@jest/globals';
import type { Json } from '@runlog/execution';
import type { AgentDefinition } from '@runlog/workflow';
import { firstMessages } from './user-message.js';

const told = (input: Json, more: Partial<AgentDefinition> = {}) => {
  const agent = { key: 'a', name: 'A', model: { provider: 'openai', name: 'm' }, tools: [], guardrails: [], limits: {}, ...more } as AgentDefinition;
  return firstMessages(agent, input, { input, nodes: {}, execution: { key: 'a_1' } }, { at: 0, commandId: 'c' });
};

describe('what an agent is told', () => {
  it.each<[string, Json, string]>([
    ['the message of the input', { message: 'Hi', other: 1 }, 'Hi'],
    ['text as it is', 'Hi', 'Hi'],
    ['anything else as JSON', { a: 1 }, '{"a":1}'],
    ['nothing as nothing', null, ''],
  ])('without a template: %s', async (_, input, text) => expect((await told(input)).user).toEqual({ role: 'user', text, images: [] }));

  it('fills templates from the input and the execution', async () => {
    const { system, user } = await told({ name: 'Ann' }, { system_prompt: 'For {{ execution.key }}', prompt_template: 'I am {{ input.name }}' });
    expect([system, user]).toEqual(['For a_1', { role: 'user', text: 'I am Ann', images: [] }]);
  });

  it('takes pictures out of the input, wherever they are', async () => {
    const { user } = await told({
      message: 'Look',
      a: 'data:image/png;base64,AAAA',
      b: [
        { type: 'image', media_type: 'image/jpeg', data: 'BBBB' },
        { type: 'image', url: 'https://example.com/c.png' },
      ],
    });
    expect(user).toEqual({
      role: 'user',
      text: 'Look',
      images: [
        { media_type: 'image/png', data: 'AAAA' },
        { media_type: 'image/jpeg', data: 'BBBB' },
        { media_type: 'image/*', url: 'https://example.com/c.png' },
      ],
    });
    expect((await told({ a: 'data:image/png;base64,AAAA', b: { type: 'image', url: 'file:///etc/passwd' } })).user).toMatchObject({
      text: '{"a":"[picture 1]","b":{"type":"image","url":"file:///etc/passwd"}}',
    });
  });
});

import type { Json } from '@runlog/execution';
import { resolveTemplates } from '@runlog/workflow';
import { terminal } from '../../kinds/node-kind.js';
import { cleanText } from '../../plain-json.js';
import type { ToolKind } from './tool-kind.js';

const MAX_PROMPT_CHARS = 16_384;

/** Asks people what the model wants to know; whoever answers, their answer is the output. */
export const askHuman: ToolKind = {
  defaultTimeoutMs: 60_000,
  async open({ config }, { scope }) {
    return [
      {
        description: 'Asks a person, and waits for the answer.',
        inputSchema: {
          type: 'object',
          properties: { question: { type: 'string', minLength: 1, maxLength: MAX_PROMPT_CHARS, description: 'What to ask, with all that a person needs to know to answer it.' } },
          required: ['question'],
          additionalProperties: false,
        },
        async ask(args) {
          const seen = { input: args, nodes: {}, execution: scope.execution };
          const { schema, ...templated } = config as { [member: string]: Json };
          const rules = (await resolveTemplates(templated, seen, { at: Date.now(), commandId: 'ask' })) as { [member: string]: Json };
          const asked = rules.prompt ?? (args as { question?: Json }).question;
          const prompt = cleanText((typeof asked === 'string' ? asked : JSON.stringify(asked ?? args)).slice(0, MAX_PROMPT_CHARS));
          return { ...rules, prompt, ...(schema === undefined ? {} : { schema }) };
        },
        call: () => Promise.reject(terminal('tool_failed', 'Expected people to answer this, but it was called')),
      },
    ];
  },
};

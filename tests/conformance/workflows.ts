import { approval, code, delay, inSequence, question, transform } from '../journeys/workflows.js';

/** Doubles `n` and says so in its log. */
export const doubling = {
  ...inSequence('doubling', [transform('double', 'input.n * 2'), code('say', 'console.log("doubled", nodes.double); return { doubled: nodes.double };')]),
  name: 'Doubling',
  input_schema: { type: 'object', required: ['n'], properties: { n: { type: 'number' } } },
};

/** Fails. */
export const failing = inSequence('failing', [code('fail', 'throw new Error("no more paper");')]);

/** Waits for a person to approve, then passes on what was decided. */
export const asking = inSequence('asking', [approval('ask', { prompt: 'Pay {{ input.total }}?' }), transform('pass', 'nodes.ask.decision')]);

/** The same with a schema for what the approver adds. */
export const askingMore = inSequence('asking_more', [
  approval('ask', { prompt: 'How much?', schema: { type: 'object', required: ['sum'], properties: { sum: { type: 'number' } } } }),
  transform('pass', 'nodes.ask.answer'),
]);

/** Asks a person something. */
export const questioning = inSequence('questioning', [question('wonder', { prompt: 'Which colour?' }), transform('pass', 'nodes.wonder.answer')]);

/** Is under way for an hour. */
export const lasting = inSequence('lasting', [transform('begin', '1'), delay('rest', 3600), transform('end', '2')]);

/** A loop that only a stop ends. */
export const looping = inSequence('looping', [code('loop', 'for (;;) {}')]);

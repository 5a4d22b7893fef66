// What a step of an agent takes beyond the model's own time: from its start to its end, without the time in which the model had the request.
import { watch } from '../footprint.mjs';
import { until } from '../until.mjs';
import { inTurns, rounded, spread } from './talk.mjs';

const double = {
  name: 'double',
  kind: 'code',
  description: 'Doubles a number',
  input_schema: { type: 'object', required: ['n'], properties: { n: { type: 'number' } } },
  config: { source: 'return input.n * 2;' },
};

/** A model call and a tool's use after it, so many times, and the last answer. */
const stepping = (steps) => ({
  turns: [...Array.from({ length: steps }, (_, nth) => ({ content: 'On.', tools: [{ name: 'double', arguments: { n: nth } }] })), { content: 'Done.' }],
});

/** `{ alone, crowd }`: milliseconds per step beyond the model's, one execution at a time and ten, and the CPU of each service (`other` is the client, the model and npm). */
export const measureSteps = async ({ runlog, model, rounds, steps = 20 }) => {
  const results = {};
  for (const [kind, at_a_time] of Object.entries({ alone: 1, crowd: 10 })) {
    const many = rounds * at_a_time;
    const names = Array.from({ length: many }, (_, nth) => `steps_${kind}_${nth}`);
    for (const name of names) {
      await model.script(name, stepping(steps));
      await runlog.publish(model, name, { tools: [double], limits: { steps: steps + 1 } });
    }
    const watching = watch([process.pid]);
    const ran = await inTurns(names, at_a_time, async (name) => {
      const id = await runlog.begin(name);
      await runlog.listen(id).ended;
      let one;
      await until('it to end', async () => (one = await runlog.get(`/api/v1/executions/${id}`)).is_terminal);
      if (one.status !== 'completed') throw new Error(`Expected '${id}' to complete, but it is ${one.status}: ${one.error}`);
      const asked = await model.requests(name);
      if (asked.length !== steps + 1) throw new Error(`Expected ${steps + 1} model calls, but there were ${asked.length}`);
      const models = asked.reduce((sum, request) => sum + request.ended_at - request.at, 0);
      return { beyond: one.duration_ms - models, models };
    });
    const { cpu_ms } = watching.stop(many * (steps + 1));
    results[kind] = {
      executions: many,
      at_a_time,
      steps: steps + 1,
      beyond_model_ms_per_step: spread(ran.map(({ beyond }) => beyond / (steps + 1))),
      model_ms_per_step: rounded(ran.reduce((sum, { models }) => sum + models, 0) / many / (steps + 1), 2),
      cpu_ms_per_step: cpu_ms,
    };
  }
  return results;
};

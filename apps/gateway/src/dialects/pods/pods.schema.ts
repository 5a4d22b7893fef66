const body = (properties: Record<string, object>, required: readonly string[] = []) => ({
  schema: { type: 'object' as const, properties, required: [...required] },
  required: required.length > 0,
});

const nodeId = { type: 'string' };

export const createBody = body({ workflowId: { type: 'string', description: 'Id or key of the workflow' }, input: {} }, ['workflowId']);
export const replayBody = body({ fromNodeId: { ...nodeId, description: 'This node and all that follow it run again' }, input: { description: 'Instead of the original input' } });
export const respondBody = body({
  approved: { type: 'boolean', description: 'At an approval gate' },
  reason: { type: 'string', maxLength: 4000 },
  comment: { type: 'string', maxLength: 4000, description: 'The same as reason' },
  data: { description: 'The answer, where the gate has a schema for one' },
  answer: { description: 'To a question' },
  nodeId: { ...nodeId, description: 'Needed when several gates are open' },
});

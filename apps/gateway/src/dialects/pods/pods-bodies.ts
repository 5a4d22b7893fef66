const body = (properties: Record<string, object>, required: string[] = []) => ({ schema: { type: 'object' as const, properties, required }, required: required.length > 0 });

const nodeId = { type: 'string', minLength: 1, maxLength: 64 };
const remark = { type: 'string', maxLength: 4000 };

/** What the bodies of pods' routes may say; everything else is passed over. */
export const createBody = body({ workflowId: { type: 'string', minLength: 1, maxLength: 64, description: 'Id or key of the workflow' }, input: {} }, ['workflowId']);
export const replayBody = body({ fromNodeId: { ...nodeId, description: 'This node and all that follow it run again' }, input: { description: 'Instead of the original input' } });
export const respondBody = body({
  approved: { type: 'boolean', description: 'At an approval gate' },
  reason: remark,
  comment: { ...remark, description: 'The same as reason' },
  data: { description: 'The answer, where the gate has a schema for one' },
  answer: { description: 'To a question' },
  nodeId: { ...nodeId, description: 'Needed when several gates are open' },
});

import type { Running } from './standalone.js';

interface Node {
  readonly id: string;
  readonly type: string;
  readonly [member: string]: unknown;
}

/** A definition whose nodes follow each other in the order given. */
export const inSequence = (key: string, nodes: readonly Node[], more: object = {}) => ({
  key,
  name: key,
  nodes,
  edges: nodes.map(({ id }, at) => ({ from: nodes[at - 1]?.id ?? 'start_of_workflow', to: id })),
  ...more,
});

export const code = (id: string, source: string, more: object = {}): Node => ({ id, type: 'code', config: { source }, ...more });
export const transform = (id: string, expression: string): Node => ({ id, type: 'transform', config: { expression } });
export const delay = (id: string, seconds: number): Node => ({ id, type: 'delay', config: { seconds } });
export const approval = (id: string, more: object = {}): Node => ({ id, type: 'approval', config: { prompt: 'Go on?', ...more } });
export const question = (id: string, more: object = {}): Node => ({ id, type: 'question', config: { prompt: 'What?', ...more } });

/** Publishes a definition; fails with the problem if it is refused. Resolves with its key. */
export const publish = async ({ call }: Pick<Running, 'call'>, definition: { readonly key: string }): Promise<string> => {
  const { status, body } = await call('POST', '/api/v1/workflows', definition);
  if (status !== 201) throw new Error(`Expected to publish '${definition.key}', but got ${status}: ${JSON.stringify(body, null, 1)}`);
  return definition.key;
};

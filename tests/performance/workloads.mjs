// The workflows that are measured: five steps in a row and a fan of 500, of pure nodes and of nodes that go to a runner.

const steps = (n, node) => Array.from({ length: n }, (_, i) => node(`s${i + 1}`, i));
const row = (nodes) =>
  nodes.map(({ id }, i) => ({
    from: nodes[i - 1]?.id ?? 'start_of_workflow',
    to: id,
  }));

const pure = (id, i) => ({
  id,
  type: 'transform',
  name: id,
  config: { expression: i === 0 ? 'input.x + 1' : `nodes.s${i} + 1` },
});
const code = (id, i) => ({
  id,
  type: 'code',
  name: id,
  config: {
    source: i === 0 ? 'return (input.x ?? 0) + 1;' : `return nodes.s${i} + 1;`,
  },
});
const lone = {
  pure: (id) => ({
    id,
    type: 'transform',
    name: id,
    config: { expression: 'input.x + 1' },
  }),
  code: (id) => ({
    id,
    type: 'code',
    name: id,
    config: { source: 'return 1;' },
  }),
};

const sequence = (key, node) => {
  const nodes = steps(5, node);
  return { key, name: key, nodes, edges: row(nodes), output: 'nodes.s5' };
};

const fan = (key, node, width) => {
  const nodes = steps(width, node);
  const join = {
    id: 'join',
    type: 'transform',
    name: 'join',
    config: { expression: 'true' },
  };
  return {
    key,
    name: key,
    nodes: [...nodes, join],
    edges: [...nodes.map(({ id }) => ({ from: 'start_of_workflow', to: id })), ...nodes.map(({ id }) => ({ from: id, to: 'join' }))],
    output: 'nodes.join',
  };
};

export const workflows = (width = 500) => [sequence('steps_pure', pure), sequence('steps_code', code), fan('fan_pure', lone.pure, width), fan('fan_code', lone.code, width)];

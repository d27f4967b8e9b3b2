// Gradients by one walk backward through the graph of an expression. The twin of nbcode/autograd.py on its operations.
// Constants are part of an operation here ("plus 1", "square"): nobody asks for the derivative by them.
const OPERATIONS = {
  "×": { value: (x, y) => x * y, slopes: (x, y) => [y, x], text: (x, y) => `${x} · ${y}` },
  "+": { value: (x, y) => x + y, slopes: () => [1, 1], text: (x, y) => `${x} + ${y}` },
  "−": { value: (x, y) => x - y, slopes: () => [1, -1], text: (x, y) => `${x} − ${y}` },
  "plus 1": { value: x => x + 1, slopes: () => [1], text: x => `${x} + 1` },
  square: { value: x => x * x, slopes: x => [2 * x], text: x => `${x}²` },
  tanh: { value: Math.tanh, slopes: x => [1 - Math.tanh(x) ** 2], text: x => `tanh(${x})` },
};

// All nodes of an expression, the inputs first. A node knows its parents, its value, and its slope toward each parent.
export function graph({ inputs, operations }, given) {
  const nodes = Object.keys(inputs).map(name => ({ name, parents: [], slopes: [], text: name, value: given[name] ?? inputs[name] }));
  const called = name => nodes.find(node => node.name === name);
  for (const [name, operation, applied] of operations) {
    const parents = applied.map(called), values = parents.map(parent => parent.value), { value, slopes, text } = OPERATIONS[operation];
    nodes.push({ name, parents, slopes: slopes(...values), text: `${name} = ${text(...applied)}`, value: value(...values) });
  }
  return nodes;
}

// All nodes behind a result, each after its parents; the twin of nbcode.autograd.ordered.
export function ordered(result) {
  const order = [], seen = new Set(), waiting = [[result, false]];
  while (waiting.length) {
    const [node, parentsDone] = waiting.pop();
    if (parentsDone) order.push(node);
    else if (!seen.has(node)) {
      seen.add(node);
      waiting.push([node, true], ...node.parents.map(parent => [parent, false]));
    }
  }
  return order;
}

// The operations in the order of the steps: each after all that use its result, so that its gradient is complete.
export const stepsOf = nodes => ordered(nodes.at(-1)).reverse().filter(node => node.parents.length);

// The gradients after so many steps. `open` counts the uses of a node from which its part has not come yet, `parts` are
// those that have, and `flows` is what the last step sent.
export function walked(nodes, done) {
  const steps = stepsOf(nodes), made = steps.slice(0, done);
  const found = new Map(nodes.map(node => [node, { gradient: 0, parts: [], open: steps.filter(step => step.parents.includes(node)).length }]));
  found.get(nodes.at(-1)).gradient = 1;
  let flows = [];
  for (const step of made) {
    flows = step.parents.map((parent, i) => {
      const at = found.get(parent), arrives = found.get(step).gradient, slope = step.slopes[i], part = slope * arrives;
      at.gradient += part;
      at.parts = [...at.parts, part];
      at.open -= 1;
      return { parent, slope, arrives, part, parts: at.parts, gradient: at.gradient, open: at.open };
    });
  }
  return { found, made, flows, last: made.at(-1), total: steps.length };
}

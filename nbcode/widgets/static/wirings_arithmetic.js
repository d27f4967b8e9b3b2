// Paths and costs of the three wirings, as in nbcode/models/wiring.py. A node is [layer, position]; layer 0 is the input.
export const KERNEL = 3;
const HALF = (KERNEL - 1) / 2;

const dilation = (layer, dilated) => (dilated ? 2 ** (layer - 1) : 1);     // of the kernels that make a layer

// The nodes that a node of layer 1 or above reads.
export function read(kind, [layer, position], n, dilated) {
  const below = other => [layer - 1, other];
  if (kind === "attention") return Array.from({ length: n }, (_, other) => below(other));
  if (kind === "recurrence") return position > 0 ? [below(position), [layer, position - 1]] : [below(position)];
  const places = Array.from({ length: KERNEL }, (_, i) => position + (i - HALF) * dilation(layer, dilated));
  return places.filter(other => other >= 0 && other < n).map(below);
}

// Which nodes a target can see, itself included: seen[layer][position].
export function seenFrom(kind, target, depth, n, dilated) {
  const seen = Array.from({ length: depth + 1 }, () => Array(n).fill(false));
  const visit = ([layer, position]) => {
    if (seen[layer][position]) return;
    seen[layer][position] = true;
    if (layer > 0) read(kind, [layer, position], n, dilated).forEach(visit);
  };
  visit([depth, target]);
  return seen;
}

// A shortest path that moves to the side as late as it can; null where there is none.
export function shortestPath(kind, source, target, depth, dilated) {
  const straight = Array.from({ length: depth }, (_, layer) => [layer, source]);
  if (kind === "attention") return [...straight, [depth, target]];
  if (kind === "recurrence")
    return source > target ? null : [...straight, ...Array.from({ length: target - source + 1 }, (_, i) => [depth, source + i])];
  const side = Math.sign(target - source), nodes = [[depth, target]];
  let rest = Math.abs(target - source);
  for (let layer = depth; layer > 0; layer--) {              // from the target down, as far back as each kernel goes
    const apart = dilation(layer, dilated), taken = Math.min(HALF, Math.floor(rest / apart)) * apart;
    rest -= taken;
    nodes.unshift([layer - 1, nodes[0][1] - side * taken]);
  }
  return rest ? null : nodes;
}

// The fewest layers that connect all pairs which can be connected at all.
export function depthNeeded(kind, n, dilated) {
  if (kind !== "convolution") return 1;
  let depth = 1;
  const reach = () => HALF * (dilated ? 2 ** depth - 1 : depth);
  while (reach() < n - 1) depth += 1;
  return depth;
}

export const longestPath = (kind, n, dilated) => depthNeeded(kind, n, dilated) + (kind === "recurrence" ? n - 1 : 0);

// One after another, in one layer.
export const sequentialSteps = (kind, n) => (kind === "recurrence" ? n : 1);

export const pairwiseMultiplications = (n, d) => 2 * n * n * d;

export function multiplications(kind, n, d) {
  if (kind === "convolution") return KERNEL * n * d * d;
  return kind === "recurrence" ? 2 * n * d * d : 4 * n * d * d + pairwiseMultiplications(n, d);
}

// One step of each rule, for a list of parameters. The twin of nbcode/training/optimizers.py.
export const MOMENTUM = 0.9;
const BETAS = [0.9, 0.999], EPS = 1e-8;

export const RULES = { sgd: "Plain", momentum: "Momentum", adam: "Adam" };

// What a rule remembers before its first step.
export const memory = size => ({ steps: 0, mean: Array(size).fill(0), square: Array(size).fill(0) });

// How far each parameter moves against its gradient, and the memory after it. The given memory stays as it is.
export function change(rule, gradient, rate, { steps, mean, square }) {
  if (rule === "sgd") return [gradient.map(g => rate * g), { steps: steps + 1, mean, square }];
  if (rule === "momentum") {
    const velocity = gradient.map((g, i) => MOMENTUM * mean[i] + g);
    return [velocity.map(v => rate * v), { steps: steps + 1, mean: velocity, square }];
  }
  const [b1, b2] = BETAS, t = steps + 1;
  const m = gradient.map((g, i) => b1 * mean[i] + (1 - b1) * g);
  const s = gradient.map((g, i) => b2 * square[i] + (1 - b2) * g * g);
  const moves = m.map((value, i) => rate * (value / (1 - b1 ** t)) / (Math.sqrt(s[i] / (1 - b2 ** t)) + EPS));
  return [moves, { steps: t, mean: m, square: s }];
}

// Activation functions with their slopes, by the names and definitions of nbcode/models/activations.py.
export const LEAK = 0.01;  // the slope of leaky ReLU below 0

// The error function by its series in which no term is negative, so that no digits cancel (Abramowitz and Stegun, 7.1.6).
export function erf(x) {
  if (Math.abs(x) > 6) return Math.sign(x);               // all digits of float64 are those of 1
  let term = 2 * x / Math.sqrt(Math.PI) * Math.exp(-x * x), sum = term;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= 2 * x * x / (2 * n + 1);
    sum += term;
  }
  return sum;
}

const sigmoid = z => (1 + Math.tanh(z / 2)) / 2;
const normalShare = z => (1 + erf(z / Math.SQRT2)) / 2;
const normalDensity = z => Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);

// title: for readers. low, high: the bounds of its values, where it has any.
export const ACTIVATIONS = {
  none: { title: "None", of: z => z, slope: () => 1 },
  sigmoid: { title: "Sigmoid", of: sigmoid, slope: z => sigmoid(z) * (1 - sigmoid(z)), low: 0, high: 1 },
  tanh: { title: "Tanh", of: Math.tanh, slope: z => 1 - Math.tanh(z) ** 2, low: -1, high: 1 },
  relu: { title: "ReLU", of: z => (z > 0 ? z : 0), slope: z => (z > 0 ? 1 : 0), low: 0 },
  leaky_relu: { title: "Leaky ReLU", of: z => (z > 0 ? z : LEAK * z), slope: z => (z > 0 ? 1 : LEAK) },
  elu: { title: "ELU", of: z => (z > 0 ? z : Math.expm1(z)), slope: z => (z > 0 ? 1 : Math.exp(z)) },
  gelu: { title: "GELU", of: z => z * normalShare(z), slope: z => normalShare(z) + z * normalDensity(z) },
};

// The factor on weights that keeps the mean square of a signal through an activation: 1 / sqrt(E f(z)²) for a standard
// normal z. The twin of gain in nbcode/models/initialization.py, on the same grid.
export function gain({ of }) {
  let sum = 0, whole = 0;
  for (let k = -12000; k <= 12000; k++) {
    const density = normalDensity(k / 1000);
    sum += density * of(k / 1000) ** 2;
    whole += density;
  }
  return Math.sqrt(whole / sum);
}

// A deep multilayer perceptron before training: the signal forward and the gradient backward, layer by layer.
//     h_1 = f(x W_1^T);   after it, y = f(N(h) W^T), and the next h is y, or h + y where layers are residual
// N is layer normalization or, without it, nothing. Biases are 0. The order is that of nbcode/models/mlp.py, whose first
// layer also neither normalizes nor adds. The loss is the sum of R * h of the last layer, with fixed random R: whatever
// the network, the gradient that it starts with has size 1.
import { ACTIVATIONS, gain } from "./activations.js";
import { normals } from "./noise.js";

export const UNITS = 32;                   // D
export const EXAMPLES = 64;                // B
export const DEEPEST = 30;                 // layers, as in nbcode/widgets/signal.py
export const CONSTANT = 0.05;              // weights and spreads as in nbcode/models/initialization.py
const SMALL = 0.01;
const BINS = 25;                           // an odd number: 0 lies in the middle of one
export const FLAT = 0.05;                  // slopes below it let almost no gradient through, as in nbcode/probes.py
export const ROUNDING = 1e-12;             // a smaller part of a number may be rounding and means nothing
const EPSILON = 1e-5;                      // what layer normalization adds to the variance, as PyTorch does

export const INITIALIZATIONS = { constant: "Constant", "small normal": "Small", xavier: "Xavier", kaiming: "Kaiming" };

const remember = make => {                 // the last result, since most changes leave the costly parts as they are
  let key, made;
  return (...given) => (key === (key = JSON.stringify(given)) ? made : (made = make(...given)));
};

// Inputs (B, D), R (B, D) and the numbers for all weights (D, D), so that a deeper network begins like the shallower one.
const drawn = remember(seed => {
  const all = normals(seed, 2 * EXAMPLES * UNITS + DEEPEST * UNITS * UNITS);
  const part = (from, size) => all.subarray(from, from + size), rows = EXAMPLES * UNITS, square = UNITS * UNITS;
  return { x: part(0, rows), readout: part(rows, rows), matrix: layer => part(2 * rows + layer * square, square) };
});

const gains = remember(name => gain(ACTIVATIONS[name]));

// The standard deviation of the weights; 0 where all are equal. Xavier: a layer has as many outputs as inputs.
export function spread(initialization, activation) {
  if (initialization === "constant") return 0;
  if (initialization === "small normal") return SMALL;
  return (initialization === "kaiming" ? gains(activation) : 1) / Math.sqrt(UNITS);
}

function weights({ initialization, activation, seed }, layer, normalized) {
  // Equal weights add up what normalization has centered: 0, which rounding would blur.
  if (initialization === "constant") return new Float64Array(UNITS * UNITS).fill(normalized ? 0 : CONSTANT);
  const numbers = drawn(seed).matrix(layer), std = spread(initialization, activation);
  return vector(numbers.length, k => std * numbers[k]);
}

// rows (B, D) times the transpose of a matrix (D, D).
function product(rows, matrix) {
  const result = new Float64Array(rows.length);
  for (let b = 0; b < rows.length; b += UNITS)
    for (let j = 0; j < UNITS; j++) {
      let sum = 0;
      for (let i = 0; i < UNITS; i++) sum += rows[b + i] * matrix[j * UNITS + i];
      result[b + j] = sum;
    }
  return result;
}

// rows (B, D) times a matrix (D, D): the way back of the gradient.
function productBack(rows, matrix) {
  const result = new Float64Array(rows.length);
  for (let b = 0; b < rows.length; b += UNITS)
    for (let i = 0; i < UNITS; i++)
      for (let j = 0; j < UNITS; j++) result[b + j] += rows[b + i] * matrix[i * UNITS + j];
  return result;
}

// Loops and not map and reduce: a redraw of 30 layers would take four times as long with them.
function vector(length, of) {
  const made = new Float64Array(length);
  for (let k = 0; k < length; k++) made[k] = of(k);
  return made;
}

function mean(count, of) {
  let sum = 0;
  for (let k = 0; k < count; k++) sum += of(k);
  return sum / count;
}

const rms = values => Math.sqrt(mean(values.length, k => values[k] ** 2));

function normalize(rows) {
  const scales = new Float64Array(EXAMPLES), centers = new Float64Array(EXAMPLES);
  for (let b = 0; b < EXAMPLES; b++) {
    const from = b * UNITS, center = mean(UNITS, i => rows[from + i]);
    centers[b] = center;
    scales[b] = Math.sqrt(mean(UNITS, i => (rows[from + i] - center) ** 2) + EPSILON);
  }
  const row = k => Math.floor(k / UNITS);
  return { result: vector(rows.length, k => (rows[k] - centers[row(k)]) / scales[row(k)]), scales };
}

// The gradient by the input of a normalization from that by its result.
function normalizeBack(gradient, { result, scales }) {
  const back = new Float64Array(gradient.length);
  for (let b = 0; b < EXAMPLES; b++) {
    const from = b * UNITS, center = mean(UNITS, i => gradient[from + i]);
    const along = mean(UNITS, i => gradient[from + i] * result[from + i]);
    for (let k = from; k < from + UNITS; k++) back[k] = (gradient[k] - center - along * result[k]) / scales[b];
  }
  return back;
}

// How much a unit's output differs from example to example: its standard deviation over the batch, as rms over the units.
function variation(rows) {
  return Math.sqrt(mean(UNITS, unit => {
    const at = b => rows[b * UNITS + unit], center = mean(EXAMPLES, at);
    return mean(EXAMPLES, b => (at(b) - center) ** 2);
  }));
}

// All layers in order: z, before the activation; y, after it; h, what the next layer reads, its size and how much of it
// varies between the examples; and the size of the gradient by h.
export const network = remember(settings => {
  const { activation, depth, residual, normalization, seed } = settings, { of, slope } = ACTIVATIONS[activation];
  const { x, readout } = drawn(seed), size = x.length, layers = [];
  for (let l = 0; l < depth; l++) {
    const before = l ? layers[l - 1].h : x, normal = l && normalization ? normalize(before) : null;
    const matrix = weights(settings, l, Boolean(normal)), z = product(normal ? normal.result : before, matrix);
    const y = vector(size, k => of(z[k])), h = l && residual ? vector(size, k => before[k] + y[k]) : y;
    layers.push({ normal, matrix, z, y, h, size: rms(h), varies: variation(h) });
  }
  let gradient = readout;
  for (let l = depth - 1; l >= 0; l--) {
    const { normal, matrix, z } = layers[l], after = gradient;
    layers[l].gradient = rms(gradient) / rms(readout);
    const back = productBack(vector(size, k => after[k] * slope(z[k])), matrix), through = normal ? normalizeBack(back, normal) : back;
    gradient = residual ? vector(size, k => after[k] + through[k]) : through;
  }
  return layers;
});

// What an activation's outputs in one layer look like: counts between low and high, the share at which its slope is
// flat, the units that put out 0 for every example, and whether all units give the same.
export function outputs({ y, z }, activation) {
  const { low, high, slope } = ACTIVATIONS[activation], reach = y.reduce((most, v) => Math.max(most, Math.abs(v)), 0) || 1;
  const from = low ?? -reach, to = high ?? reach, counts = new Array(BINS).fill(0);
  for (const value of y) counts[Math.min(BINS - 1, Math.floor((value - from) / (to - from) * BINS))] += 1;
  const units = Array.from({ length: UNITS }, (_, unit) => Array.from({ length: EXAMPLES }, (_, b) => y[b * UNITS + unit]));
  return {
    from, to, counts,
    flat: mean(z.length, k => (Math.abs(slope(z[k])) < FLAT ? 1 : 0)),
    dead: units.filter(unit => unit.every(value => value === 0)).length,
    alike: units.every(unit => unit.every((value, b) => Math.abs(value - units[0][b]) <= ROUNDING * reach)),
  };
}

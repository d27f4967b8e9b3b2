// A threshold neuron with two inputs. The twin of nbcode/models/neuron.py and nbcode/training/perceptron.py.
import { LIMIT, tidy, clamp } from "./kit.js";

export const weightedSum = ([w1, w2, b], [x1, x2]) => w1 * x1 + w2 * x2 + b;

// At exactly 0 the neuron is silent.
export const fires = (neuron, input) => (weightedSum(neuron, input) > 0 ? 1 : 0);

export const misses = (neuron, points) => points.filter(point => fires(neuron, point) !== point[2]).length;

// One correction by the perceptron rule. Sums of rounded numbers are rounded again, so that 0.1 + 0.2 stays 0.3:
// the next answer must not depend on the last binary digit.
export function corrected([w1, w2, b], [x1, x2, label]) {
  const error = label - fires([w1, w2, b], [x1, x2]);
  return [w1 + error * x1, w2 + error * x2, b + error].map(value => clamp(tidy(value, 6), -LIMIT, LIMIT));
}

// The first point at or after `start`, going round, that the neuron gets wrong; -1 if there is none.
export function nextMiss(neuron, points, start) {
  for (let k = 0; k < points.length; k++) {
    const i = (start + k) % points.length;
    if (fires(neuron, points[i]) !== points[i][2]) return i;
  }
  return -1;
}

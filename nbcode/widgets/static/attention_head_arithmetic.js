// One attention head over a few tokens, with its masks. Tests hold it against nbcode and torch.
import { dot, softmax, total } from "./lookup_arithmetic.js";

const column = (matrix, j) => matrix.map(row => row[j]);
const product = (a, b) => a.map(row => b[0].map((_, j) => dot(row, column(b, j))));

export const isPadding = (padding, place, length) => place === { first: 0, last: length - 1 }[padding];

// Why a query may not see a key: "padding", "later", or "" if it may.
function reason(query, key, length, { causal, padding }) {
  if (isPadding(padding, key, length)) return "padding";
  return causal && key > query ? "later" : "";
}

// A query that may see nothing gets weights of 0: there, a softmax of minus infinities would be 0 / 0.
const weigh = scores => (scores.every(score => score === -Infinity) ? scores.map(() => 0) : softmax(scores));

// x (T, D) and three W (D, K) -> q, k, v (T, K); dots, scores, hidden, weights (T, T); output (T, K).
// Scores are scaled if they are to be, and minus infinity where a key is hidden.
export function attendAll({ x, weights: [wq, wk, wv], scaled, masks }) {
  const [q, k, v] = [wq, wk, wv].map(w => product(x, w)), root = scaled ? Math.sqrt(q[0].length) : 1;
  const dots = q.map(asks => k.map(has => dot(asks, has)));
  const hidden = dots.map((row, i) => row.map((_, j) => reason(i, j, x.length, masks)));
  const scores = dots.map((row, i) => row.map((value, j) => (hidden[i][j] ? -Infinity : value / root)));
  const weights = scores.map(weigh);
  return { q, k, v, dots, hidden, scores, weights, output: product(weights, v) };
}

// The powers whose shares are the weights. Numbers of this figure are small enough for powers of the scores themselves.
export function powersOf(scores) {
  const powers = scores.map(Math.exp);
  return { powers, sum: total(powers) };
}

// A line y = w x + b, its loss, and Adam's steps. The twin of mean_squared_error in nbcode/training/loss.py.
import { LIMIT, clamp } from "./kit.js";
import { change } from "./optimizers.js";

const SAME_X = 1e-12;         // a smaller variance of x is rounding

const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length;
const miss = ([w, b], [x, y]) => w * x + b - y;

export const squaredError = (line, points) => mean(points.map(point => miss(line, point) ** 2));

export const slopes = (line, points) => [mean(points.map(point => 2 * miss(line, point) * point[0])), mean(points.map(point => 2 * miss(line, point)))];

// One step of Adam: the line after it, and what Adam then remembers.
export function adamStep(line, points, rate, remembered) {
  const [moves, after] = change("adam", slopes(line, points), rate, remembered);
  return [line.map((value, i) => clamp(value - moves[i], -LIMIT, LIMIT)), after];
}

// Whether the loss changed too little to notice.
export const hardlyChanged = (before, after) => Math.abs(before - after) <= 1e-6 * before + 1e-12;

export function sameX(points) {
  const center = mean(points.map(([x]) => x));
  return mean(points.map(([x]) => (x - center) ** 2)) < SAME_X;
}

// The line of least squares. Where all x are equal, many lines are the best; this is the level one.
export function bestLine(points) {
  const x = mean(points.map(point => point[0])), y = mean(points.map(point => point[1]));
  if (sameX(points)) return [0, y];
  const w = mean(points.map(point => (point[0] - x) * (point[1] - y))) / mean(points.map(point => (point[0] - x) ** 2));
  const best = [w, y - w * x];
  if (best.every(value => Math.abs(value) <= LIMIT)) return best;
  // Beyond the limits, the best that is allowed has one parameter at a limit, and the other is the best for it.
  const squares = mean(points.map(point => point[0] ** 2));
  const edges = [-LIMIT, LIMIT].flatMap(edge => [
    [edge, clamp(y - edge * x, -LIMIT, LIMIT)],
    [clamp(mean(points.map(point => point[0] * (point[1] - edge))) / squares, -LIMIT, LIMIT), edge],
  ]);
  return edges.reduce((one, other) => (squaredError(one, points) <= squaredError(other, points) ? one : other));
}

// The piece of the line that lies in the picture, as its two ends; null where the line passes the picture by.
export function visiblePart([w, b], [left, right], [low, high]) {
  let from = left, to = right;
  if (w) {
    const ends = [(low - b) / w, (high - b) / w];
    from = Math.max(from, Math.min(...ends));
    to = Math.min(to, Math.max(...ends));
  } else if (b < low || b > high) return null;
  return from < to ? [[from, w * from + b], [to, w * to + b]] : null;
}

// Loss surfaces f = (a u² + 2 b u v + c v²) / 2 + q u⁴ / 4, and runs over them. The twin of nbcode/data/surfaces.py
// and nbcode/training/stability.py. All have c > 0: along v they bend upward everywhere.
import { MOMENTUM, change, memory } from "./optimizers.js";

const DOWN = 1e-3;         // length of the gradient: no step from here could be seen
const LOST = 1e12;         // loss

export const loss = ([a, b, c, q], [u, v]) => (a * u * u + 2 * b * u * v + c * v * v) / 2 + q * u ** 4 / 4;

export const gradient = ([a, b, c, q], [u, v]) => [a * u + b * v + q * u ** 3, b * u + c * v];

// How sharply the surface bends along its own axes, the smaller curvature first: the eigenvalues of the Hessian.
export function curvatures([a, b, c, q], [u]) {
  const first = a + 3 * q * u * u, middle = (first + c) / 2, apart = Math.hypot((first - c) / 2, b);
  return [middle - apart, middle + apart];
}

// The lowest place; if there are two, the one with the larger u.
export function lowest([a, b, c, q]) {
  const alongFloor = a - b * b / c;          // curvature along the floor v = -b u / c, where q is left out
  const u = q > 0 && alongFloor < 0 ? Math.sqrt(-alongFloor / q) : 0;
  return [u, u ? -b * u / c : 0];
}

// The rate above which descent moves away from a minimum with this curvature; Adam has no such limit.
export const largestStableRate = (rule, curvature) => ({ sgd: 2, momentum: 2 * (1 + MOMENTUM) })[rule] / curvature;

// How a run stands at a place: "down" at a minimum, "pass" where the gradient is 0 at no minimum, "lost" when it has
// diverged; null while it goes on.
export function ending(surface, place) {
  if (!(loss(surface, place) <= LOST)) return "lost";
  if (Math.hypot(...gradient(surface, place)) >= DOWN) return null;
  return curvatures(surface, place)[0] < 0 ? "pass" : "down";
}

// The path of a run from its start on, to its end or over so many steps.
export function descend(surface, rule, rate, start, steps) {
  const path = [start];
  let remembered = memory(2);
  while (path.length <= steps && !ending(surface, path.at(-1))) {
    const [moves, after] = change(rule, gradient(surface, path.at(-1)), rate, remembered);
    remembered = after;
    path.push(path.at(-1).map((value, i) => value - moves[i]));
  }
  return path;
}

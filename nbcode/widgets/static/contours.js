// The contour lines of a surface f = (a u² + 2 b u v + c v²) / 2 + q u⁴ / 4, as closed polygons around all lower places.
// No search on a grid: f is a parabola along v, so a line consists of the two roots of f(u, v) = level at each u.
import { loss, lowest } from "./descent_arithmetic.js";

const HALF = 48;           // points on the upper half of a polygon, and as many on the lower

// Levels of which each is twice as high above the lowest place as the one before, up to the highest corner.
export function levels(surface, reach) {
  const lowestLoss = loss(surface, lowest(surface));
  const top = Math.max(...[reach, -reach].map(u => loss(surface, [u, reach])));
  const found = [];
  for (let height = 0.125; lowestLoss + height < top; height *= 2) found.push(lowestLoss + height);
  return found;
}

// The intervals of u in which the surface has places below the level: none, one, or two apart from each other.
function widths([a, b, c, q], level) {
  // Below the level somewhere along v where 2 c level + (b² - a c) w - (c q / 2) w² > 0, with w = u².
  const constant = 2 * c * level, linear = b * b - a * c, square = -c * q / 2;
  if (square === 0) return linear < 0 && constant > 0 ? [[-Math.sqrt(-constant / linear), Math.sqrt(-constant / linear)]] : [];
  const inside = linear * linear - 4 * square * constant;
  if (inside <= 0) return [];
  const [near, far] = [1, -1].map(sign => (-linear + sign * Math.sqrt(inside)) / (2 * square));
  if (far <= 0) return [];
  const outer = Math.sqrt(far), inner = Math.sqrt(Math.max(0, near));
  return near > 0 ? [[-outer, -inner], [inner, outer]] : [[-outer, outer]];
}

// Both v at which the surface has this level, the larger first.
function roots([a, b, c, q], level, u) {
  const root = Math.sqrt(Math.max(0, b * b * u * u - c * (a * u * u + q * u ** 4 / 2 - 2 * level)));
  return [(-b * u + root) / c, (-b * u - root) / c];
}

export function contour(surface, level) {
  return widths(surface, level).map(([from, to]) => {
    // Dense toward both ends, where the line turns round; on an ellipse these points are evenly spread.
    const at = k => (from + to) / 2 - (to - from) / 2 * Math.cos(Math.PI * k / HALF);
    const along = Array.from({ length: HALF + 1 }, (_, k) => at(k));
    const half = side => along.map(u => [u, roots(surface, level, u)[side]]);
    return [...half(0), ...half(1).reverse()];
  });
}

// Where a contour line is crossed going up from the lowest place: there its number stands.
export function above(surface, level) {
  const [u] = lowest(surface);
  return [u, roots(surface, level, u)[0]];
}

// A square of the plane: axes, labeled points, and lines w1 x + w2 y + b = 0 with the side on which a neuron fires.
import { LIMIT, svg, html, handle, describe, clamp, tidy, number } from "./kit.js";

const SIZE = 320;
const PAD = 26;        // room for the numbers at the axes
const ARROW = 0.42;    // length of the arrow that shows where the neuron fires

// The part of the square [low, high]^2 where w1 x + w2 y + b > 0, as a polygon (Sutherland and Hodgman, 1974).
export function firingSide([w1, w2, b], low, high) {
  const corners = [[low, low], [high, low], [high, high], [low, high]];
  const at = ([x, y]) => w1 * x + w2 * y + b;
  const polygon = [];
  corners.forEach((corner, i) => {
    const next = corners[(i + 1) % 4], here = at(corner), there = at(next);
    if (here > 0) polygon.push(corner);
    if (here > 0 !== there > 0) {
      const t = here / (here - there);
      polygon.push([corner[0] + t * (next[0] - corner[0]), corner[1] + t * (next[1] - corner[1])]);
    }
  });
  return polygon;
}

// The piece of the line that lies in the square, as its two ends; null where the line passes the square by.
export function segment([w1, w2, b], low, high) {
  const length2 = w1 * w1 + w2 * w2;
  if (length2 === 0) return null;
  const foot = [-b * w1 / length2, -b * w2 / length2];           // the point nearest to the origin
  const along = [-w2 / Math.sqrt(length2), w1 / Math.sqrt(length2)];
  let from = -Infinity, to = Infinity;
  for (const k of [0, 1]) {
    if (Math.abs(along[k]) < 1e-9) {
      if (foot[k] < low || foot[k] > high) return null;
      continue;
    }
    const one = (low - foot[k]) / along[k], other = (high - foot[k]) / along[k];
    from = Math.max(from, Math.min(one, other));
    to = Math.min(to, Math.max(one, other));
  }
  const at = t => [foot[0] + t * along[0], foot[1] + t * along[1]];
  return from < to ? [at(from), at(to)] : null;
}

const distance = ([x, y], [u, v]) => Math.hypot(x - u, y - v);

// Where on a segment to put the handles: near the anchor, but not on one of the points, which could not be grabbed then.
export function handlePlace([from, to], anchor, points) {
  const at = t => [from[0] + t * (to[0] - from[0]), from[1] + t * (to[1] - from[1])];
  const places = Array.from({ length: 19 }, (_, k) => at((k + 1) / 20));
  places.sort((p, q) => distance(p, anchor) - distance(q, anchor));
  return places.find(place => points.every(point => distance(place, point) > 0.2)) || places[0];
}

// The same neuron's line after it was turned to a new angle around a point, its weights keeping their length.
export function turned([w1, w2], [x, y], angle) {
  const length = Math.hypot(w1, w2) || 1;
  const u = length * Math.cos(angle), v = length * Math.sin(angle);
  return [tidy(u), tidy(v), tidy(-tidy(u) * x - tidy(v) * y)];
}

export class Plane {
  constructor(parent, { low, high, names, label, ticks = [0, 1] }) {
    this.low = low;
    this.high = high;
    this.svg = svg(parent, "svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, class: "nb-plane", role: "group", "aria-label": label });
    this.scale = (SIZE - PAD - 6) / (high - low);
    svg(this.svg, "rect", { x: PAD, y: 6, width: SIZE - PAD - 6, height: SIZE - PAD - 6, class: "nb-paper" });
    this.regions = svg(this.svg, "g");
    this.axes(names, ticks);
    this.lines = svg(this.svg, "g");
    this.points = svg(this.svg, "g");
  }
  x(value) { return PAD + (value - this.low) * this.scale; }
  y(value) { return SIZE - PAD - (value - this.low) * this.scale; }
  path(points) { return points.map(([x, y]) => `${this.x(x).toFixed(1)},${this.y(y).toFixed(1)}`).join(" "); }

  axes([across, up], ticks) {
    const group = svg(this.svg, "g", { class: "nb-axes", "aria-hidden": "true" });
    for (const tick of ticks) {
      svg(group, "line", { x1: this.x(tick), x2: this.x(tick), y1: 6, y2: SIZE - PAD });
      svg(group, "line", { x1: PAD, x2: SIZE - 6, y1: this.y(tick), y2: this.y(tick) });
      svg(group, "text", { x: this.x(tick), y: SIZE - 8, "text-anchor": "middle" }).textContent = number(tick, 0);
      svg(group, "text", { x: PAD - 8, y: this.y(tick) + 4, "text-anchor": "end" }).textContent = number(tick, 0);
    }
    svg(group, "text", { x: SIZE - 8, y: SIZE - 8, "text-anchor": "end", class: "nb-axis" }).textContent = across;
    svg(group, "text", { x: PAD - 8, y: 18, "text-anchor": "end", class: "nb-axis" }).textContent = up;
  }
  // Where the pointer is, in the plane's own numbers, kept inside the square.
  at(event) {
    const box = this.svg.getBoundingClientRect(), pixel = SIZE / box.width;
    const x = ((event.clientX - box.left) * pixel - PAD) / this.scale + this.low;
    const y = (SIZE - PAD - (event.clientY - box.top) * pixel) / this.scale + this.low;
    return [tidy(clamp(x, this.low, this.high)), tidy(clamp(y, this.low, this.high))];
  }
}

// A neuron's line with two handles: the square slides it, the arrow's tip turns it.
export class Line {
  constructor(plane, { name, style = "", anchor = [0.5, 0.5], set, signal }) {
    this.plane = plane;
    this.anchor = anchor;
    this.name = name;
    this.region = svg(plane.regions, "polygon", { class: `nb-fires ${style}` });
    const group = svg(plane.lines, "g", { class: `nb-line ${style}` });
    this.line = svg(group, "line");
    this.shaft = svg(group, "line", { class: "nb-shaft" });
    this.slide = svg(group, "rect", { width: 16, height: 16, rx: 3 });
    this.turn = svg(group, "polygon", { points: "-5,-9 13,0 -5,9" });
    const through = ([x, y]) => { const [w1, w2] = this.values; return [w1, w2, tidy(-w1 * x - w2 * y)]; };
    // By hand, the line stays in the picture: outside of it nobody could bring it back.
    // And within the limits of the parameters: all three shrink alike, which leaves the line where it is.
    const keep = values => {
      const shrink = Math.min(1, LIMIT / Math.max(...values.map(Math.abs)));
      const kept = values.map(value => clamp(shrink < 1 ? tidy(value * shrink, 6) : value, -LIMIT, LIMIT));
      if (segment(kept, plane.low, plane.high)) set(kept);
    };
    handle(this.slide, {
      signal,
      onMove: event => keep(through(plane.at(event))),
      onKey: ([dx, dy]) => {
        const [w1, w2, b] = this.values, steps = Math.abs(dx + dy);
        const side = Math.sign(w1 * dx + w2 * dy) || Math.sign(dx + dy);
        keep([w1, w2, tidy(b - 0.05 * side * steps * Math.hypot(w1, w2))]);
      },
    });
    handle(this.turn, {
      signal,
      onMove: event => { const [x, y] = plane.at(event); this.turnTo(Math.atan2(y - this.place[1], x - this.place[0]), keep); },
      onKey: ([dx, dy]) => this.turnTo(Math.atan2(this.values[1], this.values[0]) + (dy - dx) * Math.PI / 36, keep),
    });
    // While the arrow is turned, the line must not slip along itself to another place for its handles.
    this.turn.addEventListener("focus", () => { this.held = true; }, { signal });
    this.turn.addEventListener("blur", () => { this.held = false; }, { signal });
  }
  turnTo(angle, set) { set(turned(this.values, this.place, angle)); }

  draw(values, points = []) {
    this.values = values;
    const { plane } = this, [w1, w2, b] = values, ends = segment(values, plane.low, plane.high);
    this.region.setAttribute("points", plane.path(firingSide(values, plane.low, plane.high)));
    for (const part of [this.line, this.shaft, this.slide, this.turn]) part.style.display = ends ? "" : "none";
    if (!ends) return;
    if (!this.held || !this.place) this.place = handlePlace(ends, this.anchor, points);
    const [x, y] = this.place, angle = Math.atan2(w2, w1), degrees = angle * 180 / Math.PI;
    const tip = [x + ARROW * Math.cos(angle), y + ARROW * Math.sin(angle)];
    this.between(this.line, ...ends);
    this.between(this.shaft, [x, y], tip);
    this.slide.setAttribute("transform", `translate(${plane.x(x) - 8} ${plane.y(y) - 8}) rotate(${-degrees} 8 8)`);
    this.turn.setAttribute("transform", `translate(${plane.x(tip[0])} ${plane.y(tip[1])}) rotate(${-degrees})`);
    describe(this.slide, `${this.name}: slide the line`, b, `bias ${number(b)}`, [-10, 10]);
    describe(this.turn, `${this.name}: turn the line`, degrees, `fires toward ${number(degrees, 0)} degrees`, [-180, 180]);
  }
  between(node, [x1, y1], [x2, y2]) {
    node.setAttribute("x1", this.plane.x(x1));
    node.setAttribute("y1", this.plane.y(y1));
    node.setAttribute("x2", this.plane.x(x2));
    node.setAttribute("y2", this.plane.y(y2));
  }
}

// A labeled point: a ring for 0, a filled square for 1, and a cross over it when the neuron misses it.
export function point(group) {
  const node = svg(group, "g", { class: "nb-point" });
  svg(node, "circle", { r: 15, class: "nb-halo" });
  svg(node, "circle", { r: 8, class: "nb-zero" });
  svg(node, "rect", { x: -7.5, y: -7.5, width: 15, height: 15, class: "nb-one" });
  svg(node, "path", { d: "M-13,-13 13,13 M-13,13 13,-13", class: "nb-cross" });
  return node;
}

export function placePoint(node, plane, [x, y, label], missed) {
  node.setAttribute("transform", `translate(${plane.x(x)} ${plane.y(y)})`);
  node.dataset.label = label;
  node.dataset.missed = missed;
}

// What the shapes mean, in words, under a plane.
export function legend(parent) {
  const list = html(parent, "p", { class: "nb-legend" });
  list.innerHTML = "<span>○ label 0</span> <span>■ label 1</span> <span>✕ missed</span> <span>tinted: the neuron fires</span>";
}

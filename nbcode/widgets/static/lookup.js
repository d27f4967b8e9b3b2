// A look-up among keys by a query that the reader turns and stretches: scores, weights, and the value that comes out.
import { button, choice, clamp, describe, handle, html, live, number, slider, svg, tidy } from "./kit.js";
import { Plane } from "./plane.js";
import { lookUp, total } from "./lookup_arithmetic.js";

const REACH = 4;           // as in nbcode/widgets/lookup.py
const EDGE = 0.7;          // nearer to the edge of a square than this, no letter fits in between
const LETTERS = "ABCDEF";
const MODES = { average: "Average", hard: "Hard look-up", soft: "Soft look-up" };
const SCORES = { scaled: "q · k / √K", plain: "q · k" };
const DEGREE = Math.PI / 180;

const pair = ([x, y]) => `(${number(x)}, ${number(y)})`;
const inside = ([x, y]) => [x, y].map(value => tidy(clamp(value, -REACH, REACH)));
const polar = (length, angle) => [tidy(length * Math.cos(angle), 4), tidy(length * Math.sin(angle), 4)];
const listed = names => (names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names[0]);

// An arrow from the origin: its tip is the handle, and its name stands beyond it.
class Arrow {
  constructor(plane, style, name) {
    this.plane = plane;
    this.shaft = svg(plane.lines, "line", { class: `nb-shaft ${style}`, x1: plane.x(0), y1: plane.y(0) });
    this.grip = svg(plane.points, "g", { class: style });
    svg(this.grip, "circle", { r: 15, class: "nb-grip" });
    this.tip = svg(this.grip, "polygon", { points: "-12,-6 3,0 -12,6" });
    this.name = svg(this.grip, "text", { class: "nb-letter", "text-anchor": "middle" });
    this.name.textContent = name;
  }
  draw([x, y], weight) {
    const { plane } = this, angle = Math.atan2(y, x), end = [plane.x(x), plane.y(y)];
    const ahead = [Math.cos(angle), -Math.sin(angle)];
    this.shaft.setAttribute("x2", end[0] - 6 * ahead[0]);
    this.shaft.setAttribute("y2", end[1] - 6 * ahead[1]);
    this.shaft.style.strokeWidth = 1.5 + 6 * weight;
    this.grip.setAttribute("transform", `translate(${end})`);
    this.tip.setAttribute("transform", `rotate(${-angle / DEGREE})`);
    // A name stays in the picture: where there is no room beyond the tip, it stands behind it, beside the shaft.
    const [along, aside] = Math.max(Math.abs(x), Math.abs(y)) > REACH - EDGE ? [-26, 13] : [16, 0];
    this.name.setAttribute("x", along * ahead[0] - aside * ahead[1]);
    this.name.setAttribute("y", 5 + along * ahead[1] + aside * ahead[0]);
  }
  remove() { this.shaft.remove(); this.grip.remove(); }
}

// A value, and the thread by which it pulls the output toward itself.
class Value {
  constructor(plane, name) {
    this.plane = plane;
    this.thread = svg(plane.lines, "line", { class: "nb-thread" });
    this.grip = svg(plane.points, "g", { class: "nb-item" });
    svg(this.grip, "circle", { r: 15, class: "nb-grip" });
    svg(this.grip, "rect", { x: -7, y: -7, width: 14, height: 14, rx: 2 });
    this.name = svg(this.grip, "text", { class: "nb-letter", "text-anchor": "middle" });
    this.name.textContent = name;
  }
  draw(place, output, weight) {
    const [[x1, y1], [x2, y2]] = [place, output].map(([x, y]) => [this.plane.x(x), this.plane.y(y)]);
    for (const [name, value] of Object.entries({ x1, y1, x2, y2 })) this.thread.setAttribute(name, value);
    this.thread.style.strokeWidth = 0.5 + 7 * weight;
    this.grip.setAttribute("transform", `translate(${x1} ${y1})`);
    this.name.setAttribute("y", place[1] > REACH - EDGE ? 23 : -12);        // under a value at the upper edge
  }
  remove() { this.thread.remove(); this.grip.remove(); }
}

function fillTable(table, found, used) {
  table.replaceChildren();
  const head = html(html(table, "thead"), "tr"), body = html(table, "tbody");
  for (const name of ["key", "q · k", "q · k / √2", "weight"]) html(head, "th", { scope: "col" }, name);
  found.weights.forEach((weight, i) => {
    const row = html(body, "tr"), scaled = found.scores[i] / Math.SQRT2;
    Object.assign(row.dataset, { score: found.scores[i], used: found.used[i], weight });
    html(row, "th", { scope: "row" }, LETTERS[i]);
    html(row, "td", used === "plain" ? {} : { class: "nb-idle" }, number(found.scores[i]));
    html(row, "td", used === "scaled" ? {} : { class: "nb-idle" }, number(scaled));
    const cell = html(row, "td", { class: "nb-weight" });
    html(cell, "span", { class: "nb-bar" }).style.width = `${(100 * weight).toFixed(2)}%`;
    html(cell, "span", {}, number(weight, 3));
  });
  const foot = html(html(table, "tfoot"), "tr");
  html(foot, "th", { scope: "row", colspan: 3 }, "sum of the weights");
  html(foot, "td", {}, number(total(found.weights), 3));
}

// What the weights mean, in a sentence.
function words(mode, query, weights) {
  const most = Math.max(...weights), percent = number(100 * most, most > 0.99 && most < 1 ? 1 : 0);
  const best = [...LETTERS].filter((_, i) => weights[i] === most), name = listed(best);
  if (mode === "average") return "All weights are equal, whatever the query says.";
  if (Math.hypot(...query) === 0) return "The query is 0, so all scores are 0: no key is better than another.";
  if (mode === "hard") return best.length > 1 ? `${name} tie and share the weight.` : `Only the best key counts: the value of ${name} comes out as it is.`;
  if (best.length > 1) return `${name} tie, with ${percent} % each.`;
  return `Key ${name} has the most weight, ${percent} %${most > 0.99 ? ": nearly a hard look-up" : ""}.`;
}

function render({ model, el }) {
  const traits = ["query", "entries", "mode", "score"];
  return live(model, el, "lookup", traits, (root, write, signal) => {
    const start = { query: model.get("query"), entries: model.get("entries") };
    let facing = 0;                       // a query of length 0 has no direction: it keeps its last one

    const top = html(root, "div", { class: "nb-top" });
    const modes = choice(top, { label: "Look-up", options: MODES, signal, onChoose: mode => write({ mode }) });
    const left = html(root, "div", { class: "nb-left" });
    html(left, "p", { class: "nb-title" }, "The query q among the keys");
    const keys = new Plane(left, { low: -REACH, high: REACH, names: ["k₁", "k₂"], ticks: [-2, 0, 2], label: "The plane of the query and the keys" });
    html(left, "p", { class: "nb-legend" }, "Drag q, or tap where it shall point. The wider an arrow, the more weight its key has.");
    const right = html(root, "div", { class: "nb-left" });
    html(right, "p", { class: "nb-title" }, "The values, and what comes out");
    const values = new Plane(right, { low: -REACH, high: REACH, names: ["v₁", "v₂"], ticks: [-2, 0, 2], label: "The plane of the values and the output" });
    html(right, "p", { class: "nb-legend" }, "■ value of a key ● output, the weighted mean of the values. Keys and values can be dragged too.");

    const controls = html(root, "div", { class: "nb-right" });
    const equation = html(controls, "p", { class: "nb-equation" });
    const turn = slider(controls, { label: "direction", name: "direction", max: 180, step: 1, digits: 0, unit: "°", signal, onInput: degrees => turnTo(degrees * DEGREE) });
    const stretch = slider(controls, { label: "length", name: "length", min: 0, max: REACH, step: 0.05, signal, onInput: length => setQuery(polar(length, facing)) });
    const scoring = html(controls, "div", { class: "nb-choice" });
    html(scoring, "span", {}, "score");
    const scores = choice(scoring, { label: "Score", options: SCORES, signal, onChoose: score => write({ score }) });
    button(controls, "Start again", () => write(start), signal, { name: "start" });
    const numbers = html(root, "div", { class: "nb-right" });
    const table = html(numbers, "table");
    const result = html(root, "div", { class: "nb-result" });
    const told = html(result, "output", { name: "told", "aria-live": "polite" });
    const sum = html(result, "output", { name: "output", "aria-live": "off" });

    // By hand, the query stays in a disk, so that it can be turned without changing its length.
    function setQuery([x, y]) {
      const shrink = Math.min(1, REACH / Math.hypot(x, y));
      write({ query: [tidy(x * shrink, 4), tidy(y * shrink, 4)] });
    }
    function turnTo(angle) {
      facing = angle;
      setQuery(polar(Math.hypot(...model.get("query")), angle));
    }
    // A key starts at 0 in its entry, a value at 2.
    function moveEntry(i, from, place) {
      const entries = model.get("entries").map(entry => [...entry]);
      entries[i].splice(from, 2, ...inside(place));
      write({ entries });
    }
    function movable(node, i, from, plane) {
      const moved = by => model.get("entries")[i].slice(from, from + 2).map((value, k) => value + 0.1 * by[k]);
      handle(node, { signal, onMove: event => moveEntry(i, from, plane.at(event)), onKey: by => moveEntry(i, from, moved(by)) });
    }

    const query = new Arrow(keys, "nb-query", "q");
    handle(query.grip, {
      signal,
      onMove: event => setQuery(keys.at(event)),
      onKey: by => setQuery(model.get("query").map((value, k) => value + 0.1 * by[k])),
    });
    // A click, not a press: a finger that scrolls the page over the picture moves nothing.
    keys.svg.addEventListener("click", event => { if (!event.target.closest(".nb-handle")) setQuery(keys.at(event)); }, { signal });
    const output = svg(values.svg, "circle", { r: 6.5, class: "nb-out" });
    let arrows = [], items = [];

    function sized(nodes, n, made) {
      while (nodes.length > n) nodes.pop().remove();
      while (nodes.length < n) nodes.push(made(nodes.length));
      keys.points.append(query.grip);      // above the keys, so that it can be taken from one of them
      keys.lines.append(query.shaft);
    }
    function newKey(i) {
      const arrow = new Arrow(keys, "nb-key", LETTERS[i]);
      movable(arrow.grip, i, 0, keys);
      return arrow;
    }
    function newValue(i) {
      const item = new Value(values, LETTERS[i]);
      movable(item.grip, i, 2, values);
      return item;
    }

    function drawEntries(entries, found) {
      if (arrows.length !== entries.length) { sized(arrows, entries.length, newKey); sized(items, entries.length, newValue); }
      entries.forEach(([k1, k2, v1, v2], i) => {
        const weight = found.weights[i];
        arrows[i].draw([k1, k2], weight);
        items[i].draw([v1, v2], found.output, weight);
        describe(arrows[i].grip, `Key ${LETTERS[i]}, weight ${number(weight, 3)}`, k1, pair([k1, k2]), [-REACH, REACH]);
        describe(items[i].grip, `Value of key ${LETTERS[i]}`, v1, pair([v1, v2]), [-REACH, REACH]);
      });
    }
    function draw() {
      const q = model.get("query"), entries = model.get("entries"), mode = model.get("mode"), score = model.get("score");
      const found = lookUp(mode, score === "scaled", q, entries), length = Math.hypot(...q);
      if (length > 0) facing = Math.atan2(q[1], q[0]);
      modes.set(mode);
      scores.set(score);
      equation.textContent = `q = ${pair(q)}`;
      turn.set(Math.round(facing / DEGREE));
      stretch.set(length);
      drawEntries(entries, found);
      query.draw(q, 0.3);
      describe(query.grip, "Query", q[0], `${pair(q)}, length ${number(length)}`, [-REACH, REACH]);
      output.setAttribute("cx", values.x(found.output[0]));
      output.setAttribute("cy", values.y(found.output[1]));
      fillTable(table, found, mode === "average" ? "none" : score);
      told.textContent = words(mode, q, found.weights);
      const terms = found.weights.map((weight, i) => `${number(weight)} · ${LETTERS[i]}`).join(" + ");
      sum.textContent = `Output = ${terms} = ${pair(found.output)}`;
      Object.assign(sum.dataset, { x: found.output[0], y: found.output[1] });
    }
    return draw;
  });
}
export default { render };

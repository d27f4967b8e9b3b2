// One wiring over a row of tokens: all connections faint, what the target can see stronger, and one path in bold.
import { svg, handle, describe, clamp } from "./kit.js";
import { read } from "./wirings_arithmetic.js";

const TALL = 240, SIDE = 15;                // pixels: of the drawing, and beside its outer columns
const ROWS = [TALL - 40, 40], MARKS = [TALL - 15, 15];     // heights of the lowest and the top row, and of the two handles
const LEAST = 200, MOST = 600;              // how wide it is drawn

// Zero-length lines, which round ends make dots of.
const dots = places => places.map(([x, y]) => `M${x},${y}h0`).join("");

export class WiringDrawing {
  // move(end, position) is called when the reader moves an end, "source" or "target".
  constructor(parent, { kind, name, move, signal }) {
    this.parent = parent;
    this.kind = kind;
    this.name = name;
    this.svg = svg(parent, "svg", { class: "nb-wiring", role: "group", "aria-label": name });
    const layer = name => svg(this.svg, "path", { class: name, "aria-hidden": "true" });
    [this.wires, this.seenWires, this.units, this.seenUnits, this.way, this.stops] =
      ["nb-wires", "nb-wires nb-seen", "nb-units", "nb-units nb-seen", "nb-way", "nb-stops"].map(layer);
    this.source = this.mark("source", move, signal);
    this.target = this.mark("target", move, signal);
    // A click, not a press: a finger that scrolls the page over the picture moves nothing.
    this.svg.addEventListener("click", event => {
      if (event.target.closest(".nb-handle")) return;
      const box = this.svg.getBoundingClientRect();
      move(event.clientY < box.top + box.height / 2 ? "target" : "source", this.at(event));
    }, { signal });
  }
  mark(end, move, signal) {
    const node = svg(this.svg, "g", { class: `nb-mark nb-${end}` });
    svg(node, "circle", { r: 15, class: "nb-grip" });
    svg(node, "rect", { x: -11, y: -11, width: 22, height: 22, rx: end === "source" ? 11 : 3 });
    const text = svg(node, "text", { y: 4.5, "text-anchor": "middle" });
    handle(node, { signal, onMove: event => move(end, this.at(event)), onKey: ([dx, dy]) => move(end, this[end].position + dx + dy) });
    return { node, text, position: 0 };
  }
  // The column nearest to the pointer.
  at(event) {
    const box = this.svg.getBoundingClientRect();
    return clamp(Math.round(((event.clientX - box.left) * this.wide / box.width - SIDE) / this.apart), 0, this.n - 1);
  }
  place([layer, position]) {
    const y = ROWS[0] + (ROWS[1] - ROWS[0]) * layer / this.depth;
    return [SIDE + position * this.apart, y].map(value => Number(value.toFixed(1)));
  }
  wire(from, to) {
    const [x1, y1] = this.place(from), [x2, y2] = this.place(to);
    const along = from[0] === to[0] ? `M${(x1 + x2) / 2 - 1.5},${y1 - 3}l3,3 -3,3` : "";     // which way the state goes
    return `M${x1},${y1}L${x2},${y2}${along}`;
  }
  width() { return clamp(this.parent.clientWidth || LEAST, LEAST, MOST); }

  draw({ n, depth, dilated, source, target, seen, path }) {
    Object.assign(this, { n, depth, wide: this.width() });
    this.apart = (this.wide - 2 * SIDE) / (n - 1);
    this.svg.setAttribute("viewBox", `0 0 ${this.wide} ${TALL}`);
    const wires = { true: [], false: [] }, units = { true: [], false: [] };
    for (let layer = 0; layer <= depth; layer++)
      for (let position = 0; position < n; position++) {
        const node = [layer, position], isSeen = seen[layer][position];
        units[isSeen].push(this.place(node));
        if (layer > 0) for (const other of read(this.kind, node, n, dilated)) wires[isSeen].push(this.wire(other, node));
      }
    this.wires.setAttribute("d", wires.false.join(""));
    this.seenWires.setAttribute("d", wires.true.join(""));
    this.units.setAttribute("d", dots(units.false));
    this.seenUnits.setAttribute("d", dots(units.true));
    // Where many wires cross, each is fainter, so that they stay a background.
    const crowd = (wires.true.length + wires.false.length) / depth, fade = Math.min(1, 2.5 * (ROWS[0] - ROWS[1]) / depth / crowd);
    for (const each of [this.wires, this.seenWires]) each.setAttribute("opacity", fade.toFixed(2));
    const way = (path || []).map(node => this.place(node));
    this.way.setAttribute("d", way.length ? `M${way.join("L")}` : "");
    this.stops.setAttribute("d", dots(path ? way : [[0, source], [depth, target]].map(node => this.place(node))));
    this.set("source", source, 0);
    this.set("target", target, 1);
  }
  set(end, position, row) {
    const { node, text } = this[end];
    this[end].position = position;
    node.setAttribute("transform", `translate(${this.place([0, position])[0]} ${MARKS[row]})`);
    text.textContent = String(position + 1);
    describe(node, `${this.name}: ${end}`, position + 1, `token ${position + 1} of ${this.n}`, [1, this.n]);
  }
}

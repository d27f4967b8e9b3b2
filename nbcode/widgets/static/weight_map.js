// The weights of all queries as a map: a row for each query, a column for each key, and a frame that can be moved.
import { clamp, describe, handle, number, svg } from "./kit.js";

const WIDTH = 320, LEFT = 50, TOP = 20, TALL = 36;             // pixels; the cells share the width that is left

export class WeightMap {
  // pick(query, key) is called when the frame is moved, or another cell is clicked.
  constructor(parent, { length, pick, signal }) {
    Object.assign(this, { length, wide: (WIDTH - LEFT) / length });
    this.svg = svg(parent, "svg", { viewBox: `0 0 ${WIDTH} ${TOP + length * TALL}`, class: "nb-plane nb-weights", role: "group", "aria-label": "Weights of all queries" });
    this.inner = svg(this.svg, "g", { "aria-hidden": "true" });
    this.row = svg(this.svg, "rect", { class: "nb-row", x: LEFT, width: WIDTH - LEFT, height: TALL, rx: 4 });
    this.frame = svg(this.svg, "rect", { class: "nb-frame", width: this.wide, height: TALL, rx: 4 });
    let at = [0, 0];
    this.stand = (query, key) => { at = [query, key]; };
    const goTo = places => pick(...places.map(place => clamp(place, 0, length - 1)));
    handle(this.frame, {
      signal,
      onMove: event => goTo(this.at(event)),
      onKey: ([dx, dy]) => goTo([at[0] - Math.sign(dy), at[1] + Math.sign(dx)]),
    });
    // A click, not a press: a finger that scrolls the page over the map moves nothing.
    this.svg.addEventListener("click", event => { if (event.target !== this.frame) goTo(this.at(event)); }, { signal });
  }
  // Query and key under the pointer.
  at(event) {
    const box = this.svg.getBoundingClientRect(), unit = WIDTH / box.width;
    return [((event.clientY - box.top) * unit - TOP) / TALL, ((event.clientX - box.left) * unit - LEFT) / this.wide].map(Math.floor);
  }
  put(i, j, weight, hidden) {
    const x = LEFT + j * this.wide, y = TOP + i * TALL, box = { x, y, width: this.wide, height: TALL };
    const cell = svg(this.inner, "g", { class: `nb-cell${hidden ? " nb-hidden" : ""}` });
    Object.assign(cell.dataset, { weight, hidden });
    svg(cell, "rect", box);
    if (hidden) svg(cell, "path", { d: [0.25, 0.5, 0.75, 1].map(t => `M${x + t * this.wide - TALL / 2},${y + TALL}l${TALL / 2},${-TALL}`).join("") });
    else svg(cell, "rect", { ...box, class: "nb-share", "fill-opacity": (0.6 * weight).toFixed(3) });
    svg(cell, "text", { x: x + this.wide / 2, y: y + TALL / 2 + 5, "text-anchor": "middle" }).textContent = hidden ? "0" : number(weight);
  }
  draw({ weights, hidden }, names, query, key) {
    this.stand(query, key);
    this.inner.replaceChildren();
    names.forEach((name, i) => {
      svg(this.inner, "text", { x: LEFT - 6, y: TOP + (i + 0.5) * TALL + 4, "text-anchor": "end", class: "nb-query" }).textContent = name;
      svg(this.inner, "text", { x: LEFT + (i + 0.5) * this.wide, y: TOP - 6, "text-anchor": "middle", class: "nb-key" }).textContent = name;
    });
    weights.forEach((row, i) => row.forEach((weight, j) => this.put(i, j, weight, hidden[i][j])));
    this.row.setAttribute("y", TOP + query * TALL);
    this.frame.setAttribute("x", LEFT + key * this.wide);
    this.frame.setAttribute("y", TOP + query * TALL);
    const why = { padding: ", hidden: padding", later: ", hidden: comes later", "": "" }[hidden[query][key]];
    describe(this.frame, "Query and key", query * this.length + key, `query ${names[query]}, key ${names[key]}: weight ${number(weights[query][key], 3)}${why}`, [0, this.length ** 2 - 1]);
  }
}

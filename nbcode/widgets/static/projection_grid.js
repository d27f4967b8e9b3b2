// The projections of a head: each entry of q, k and v stands where its row of x meets its column of a matrix.
import { button, clamp, html, number } from "./kit.js";

const T = 4, D = 3, K = 2;      // as in nbcode/widgets/attention_head.py
const MATRICES = { w_query: "Q", w_key: "K", w_value: "V" };
const RESULTS = { q: "queries", k: "keys", v: "values" };
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const STEPS = { "+": 1, "=": 1, "-": -1 };                      // without Shift, the key of + gives =

// A block of cells under its name and shape.
function block(parent, { name, sub = "", shape, label, style }) {
  const box = html(parent, "div", { class: `nb-block ${style}`, role: "group", "aria-label": label });
  const title = html(box, "div", { class: "nb-name", "aria-hidden": "true" }, name);
  if (sub) html(title, "sub", {}, sub);
  html(box, "div", { class: "nb-shape", "aria-hidden": "true" }, `(${shape.join(", ")})`);
  const cells = html(box, "div", { class: "nb-entries" });
  cells.style.gridTemplateColumns = `repeat(${shape[1]}, minmax(0, 1fr))`;
  return cells;
}

export class ProjectionGrid {
  // pick(token) chooses the query; change(name, row, column, step) and focus go to the numbers that are given.
  constructor(parent, { pick, choose, change, signal }) {
    Object.assign(this, { given: {}, found: {}, choose, change, signal });
    const grid = html(parent, "div", { class: "nb-scheme" });
    html(grid, "p", { class: "nb-legend nb-corner" }, "A row of x, times W, is a row of q, k, v. Choose a number of x or W to change it, or a token to make it the query.");
    for (const [name, sub] of Object.entries(MATRICES))
      this.addGiven(block(grid, { name: "W", sub, shape: [D, K], label: `Matrix W ${sub}`, style: `nb-w nb-${sub.toLowerCase()}` }), name, `W ${sub}, row`, [D, K]);
    const names = block(grid, { name: "\u00a0", shape: ["T", 1], label: "Query", style: "nb-tokens" });
    this.tokens = Array.from({ length: T }, (_, i) => button(names, "", () => pick(i), signal, { "data-token": i }));
    this.addGiven(block(grid, { name: "x", shape: [T, D], label: "Token vectors x", style: "nb-x" }), "x", "x, row", [T, D]);
    for (const [name, label] of Object.entries(RESULTS)) {
      const cells = block(grid, { name, shape: [T, K], label, style: `nb-${name}` });
      this.found[name] = Array.from({ length: T * K }, () => html(cells, "span"));
    }
  }
  addGiven(cells, name, label, [rows, columns]) {
    this.given[name] = Array.from({ length: rows * columns }, (_, at) => {
      const [row, column] = [Math.floor(at / columns), at % columns];
      const node = button(cells, "", () => this.choose(name, row, column), this.signal);
      node.addEventListener("keydown", event => {
        if (event.altKey || event.ctrlKey || event.metaKey) return;
        const move = MOVES[event.key], step = STEPS[event.key];
        if (move) this.choose(name, clamp(row + move[0], 0, rows - 1), clamp(column + move[1], 0, columns - 1));
        else if (step) this.change(name, row, column, step);
        else return;
        event.preventDefault();
      }, { signal: this.signal });
      return { node, row, column, label: `${label} ${row + 1}, column ${column + 1}` };
    });
  }
  entry({ name, row, column }) { return this.given[name].find(each => each.row === row && each.column === column).node; }
  // last: by matrix, the place that has its tab stop; chosen: the number that the slider moves.
  drawGiven(matrices, chosen, last) {
    for (const [name, cells] of Object.entries(this.given)) {
      const stop = last[name] ?? [0, 0];
      for (const { node, row, column, label } of cells) {
        const here = name === chosen.name && row === chosen.row && column === chosen.column;
        node.textContent = number(matrices[name][row][column], 0);
        node.setAttribute("aria-pressed", String(here));
        node.setAttribute("aria-label", `${label}: ${node.textContent}`);
        node.tabIndex = row === stop[0] && column === stop[1] ? 0 : -1;
      }
    }
  }
  // What the pair uses stands out; what the query may not see stands back.
  drawFound(found, names, query, key) {
    this.tokens.forEach((node, i) => {
      node.textContent = names[i];
      node.setAttribute("aria-pressed", String(i === query));
      node.setAttribute("aria-label", `Query ${i + 1}: ${names[i]}`);
    });
    for (const [name, cells] of Object.entries(this.found)) cells.forEach((node, at) => {
      const row = Math.floor(at / K);
      node.textContent = number(found[name][row][at % K], 0);
      node.classList.toggle("nb-long", node.textContent.length > 2);
      node.dataset.used = name === "q" ? row === query : !found.hidden[query][row];
      node.dataset.now = row === (name === "q" ? query : key);
    });
  }
}

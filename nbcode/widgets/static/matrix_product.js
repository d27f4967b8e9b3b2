// The product of two small matrices: choose an entry and see which row and column make it, product by product.
import { html, button, live, number, clamp, choice } from "./kit.js";

export const product = (a, b) => a.map(row => b[0].map((_, j) => row.reduce((sum, value, k) => sum + value * b[k][j], 0)));

// "2 · 1 + 1 · 2 + 0 · 3 = 4": the sum behind one entry, negative factors in brackets.
export function sumBehind(a, b, i, j) {
  const factor = value => (value < 0 ? `(${number(value, 0)})` : number(value, 0));
  return `${a[i].map((value, k) => `${factor(value)} · ${factor(b[k][j])}`).join(" + ")} = ${number(product(a, b)[i][j], 0)}`;
}

// Other whole numbers of the same shapes, or of other shapes, from -3 to 4.
function drawn(rows, columns) {
  return Array.from({ length: rows }, () => Array.from({ length: columns }, () => Math.floor(8 * Math.random()) - 3));
}

const SHAPES = { "2,3,2": "(2, 3) times (3, 2)", "3,2,3": "(3, 2) times (2, 3)", "4,2,1": "(4, 2) times (2, 1)", "1,4,1": "(1, 4) times (4, 1)" };

function render({ model, el }) {
  const traits = ["left", "right", "row", "column"];
  return live(model, el, "matrix-product", traits, (root, write, signal) => {
    const shapes = choice(root, {
      label: "Shapes", options: SHAPES, signal,
      onChoose: key => { const [n, m, p] = key.split(",").map(Number); fresh(n, m, p); },
    });
    const stage = html(root, "div", { class: "nb-stage" });
    const grids = ["a", "b", "product"].map((name, k) => {
      if (k) html(stage, "span", { class: "nb-sign", "aria-hidden": "true" }, k === 1 ? "×" : "=");
      return html(stage, "div", { class: `nb-matrix nb-${name}` });
    });
    const sum = html(root, "output", { name: "sum", "aria-live": "polite" });
    const more = html(root, "div", { class: "nb-rule" });
    button(more, "Exchange A and B", exchange, signal, { name: "exchange" });
    button(more, "Show all entries", () => { all = true; draw(); }, signal, { name: "all" });
    button(more, "Other numbers", () => { const [a, b] = both(); fresh(a.length, b.length, b[0].length); }, signal, { name: "fresh" });

    // Entries stay hidden until they are chosen, so that they can be predicted.
    let shown = new Set(), all = false, matrices = "";
    const both = () => [model.get("left"), model.get("right")];
    function fresh(n, m, p) { write({ left: drawn(n, m), right: drawn(m, p), row: 0, column: 0 }); }
    function exchange() {
      const [a, b] = both();
      if (b[0].length === a.length) write({ left: b, right: a, row: 0, column: 0 });
      else sum.textContent = `B times A does not exist: B has ${b[0].length} column${b[0].length > 1 ? "s" : ""} and A has ${a.length} rows.`;
    }

    function chosen() {
      const [a, b] = both();
      return [clamp(model.get("row"), 0, a.length - 1), clamp(model.get("column"), 0, b[0].length - 1)];
    }
    function pick(i, j) {
      const [a, b] = both();
      write({ row: clamp(i, 0, a.length - 1), column: clamp(j, 0, b[0].length - 1) });
      grids[2].querySelector('[aria-pressed="true"]').focus();
    }
    function fill(grid, caption, rows, cell) {
      grid.replaceChildren();
      const box = html(grid, "div", { class: "nb-cells" });
      box.style.gridTemplateColumns = `repeat(${rows[0].length}, 1fr)`;
      rows.forEach((row, i) => row.forEach((value, j) => cell(box, value, i, j)));
      html(grid, "div", { class: "nb-shape" }, `${caption} (${rows.length}, ${rows[0].length})`);
    }
    function entry(box, value, i, j, [row, column]) {
      const here = i === row && j === column;
      const text = all || shown.has(`${i},${j}`) ? number(value, 0) : "?";
      const node = button(box, text, () => pick(i, j), signal, { "aria-pressed": String(here), "aria-label": `Row ${i + 1}, column ${j + 1}: ${text}`, tabindex: here ? "0" : "-1" });
      node.addEventListener("keydown", event => {
        if (event.altKey || event.ctrlKey || event.metaKey) return;
        const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
        if (!step) return;
        event.preventDefault();
        pick(i + step[0], j + step[1]);
      }, { signal });
    }
    function draw() {
      const [a, b] = both();
      if (a[0].length !== b.length) return;        // between the two changes of one write
      const at = chosen(), [row, column] = at, now = JSON.stringify([a, b]);
      if (now !== matrices) { shown = new Set(); all = false; matrices = now; }
      shown.add(`${row},${column}`);
      shapes.set([a.length, b.length, b[0].length].join());
      fill(grids[0], "A", a, (box, value, i) => html(box, "span", { class: i === row ? "nb-lit" : "" }, number(value, 0)));
      fill(grids[1], "B", b, (box, value, i, j) => html(box, "span", { class: j === column ? "nb-lit" : "" }, number(value, 0)));
      fill(grids[2], "AB", product(a, b), (box, value, i, j) => entry(box, value, i, j, at));
      sum.textContent = `Row ${row + 1} of A times column ${column + 1} of B: ${sumBehind(a, b, row, column)}`;
    }
    return draw;
  });
}
export default { render };

// A row for each method: a button that shows or hides its curve, its score, and how far the chosen method is ahead of it.
import { button, html } from "./kit.js";
import { compare } from "./learning_curves_arithmetic.js";
import { labeled } from "./learning_curves_words.js";
import { percent, swatch } from "./score_chart.js";

export function makeTable(parent, curves, pretrained, toggle, signal) {
  const table = html(parent, "table"), head = (table.createCaption(), html(html(table, "thead"), "tr")), rows = html(table, "tbody");
  for (const name of ["method", "% right", "ahead"]) html(head, "th", { scope: "col" }, name);
  const toggles = curves.map(({ name }, i) => {
    const row = html(rows, "tr"), node = button(html(row, "th", { scope: "row" }), "", () => toggle(name), signal, { class: "nb-method" });
    swatch(node, i, pretrained.includes(name));
    html(node, "span", {}, name);
    for (let k = 0; k < 2; k += 1) html(row, "td");
    return node;
  });
  return { table, rows, toggles };
}

export function fillTable({ table, rows, toggles }, { curves, method, chosen, sizes, seen }) {
  const own = curves.find(curve => curve.name === method), here = seen(own) && own.cells[chosen];
  table.caption.textContent = `With ${labeled(sizes[chosen])}`;
  curves.forEach((curve, i) => {
    const row = rows.rows[i], [, score, gap] = row.cells, cell = seen(curve) && curve.cells[chosen];
    toggles[i].setAttribute("aria-pressed", String(seen(curve)));
    row.classList.toggle("nb-chosen", curve === own);
    for (const name of ["mean", "low", "high", "gap", "ahead", "runs"]) delete row.dataset[name];
    score.replaceChildren(cell ? percent(cell.mean) : seen(curve) ? "–" : "?");
    gap.replaceChildren();
    if (!cell) return;
    html(score, "span", { class: "nb-small" }, `${percent(cell.low, 0)} to ${percent(cell.high, 0)}`);
    Object.assign(row.dataset, { mean: cell.mean, low: cell.low, high: cell.high });
    if (!here || curve === own) return;
    const found = compare(here, cell);
    gap.append(percent(found.gap));
    if (found.runs) html(gap, "span", { class: "nb-small" }, `${found.ahead} of ${found.runs} runs`);
    Object.assign(row.dataset, found);
  });
}

// One attention head on a short sentence: from token vectors to the output of one query, every step in numbers.
import { brief, button, choice, clamp, html, live, number, slider } from "./kit.js";
import { total } from "./lookup_arithmetic.js";
import { attendAll, isPadding, powersOf } from "./attention_head_arithmetic.js";
import { ProjectionGrid } from "./projection_grid.js";
import { WeightMap } from "./weight_map.js";

const MOST = 2;           // of a number that can be changed, as in nbcode/widgets/attention_head.py
const GIVEN = ["x", "w_query", "w_key", "w_value"];
const CAUSAL = { off: "off", on: "on" };
const PADDING = { none: "none", last: "last", first: "first" };
const SCORES = { scaled: "q · k / √2", plain: "q · k" };
const HIDDEN = { padding: "which is padding", later: "which comes later" };

const factor = value => (value < 0 ? `(${number(value, 0)})` : number(value, 0));
// As many digits as leave room for seven columns on a telephone.
const fit = value => number(value, Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0);
const power = value => brief(value, value < 0.001 ? 1 : value < 1000 ? 3 : 2);
const pair = (vector, digits) => `(${vector.map(value => number(value, digits)).join(", ")})`;

// The row of one query: a line for each key, from the scalar product to what its value adds to the output.
function fillTable(table, { dots, scores, hidden, weights, output, v }, names, query, key) {
  const { powers, sum } = powersOf(scores[query]);
  table.replaceChildren();
  const head = html(html(table, "thead"), "tr"), body = html(table, "tbody"), foot = html(html(table, "tfoot"), "tr");
  for (const name of ["key", "q · k", "s", "eˢ", "weight"]) html(head, "th", { scope: "col" }, name);
  html(head, "th", { scope: "colgroup", colspan: 2 }, "weight · v");
  weights[query].forEach((weight, j) => {
    const row = html(body, "tr", { class: hidden[query][j] ? "nb-hidden" : "" }), score = scores[query][j];
    Object.assign(row.dataset, { dot: dots[query][j], score, weight, now: j === key });
    html(row, "th", { scope: "row" }, names[j]);
    for (const text of [number(dots[query][j], 0), score === -Infinity ? "−∞" : fit(score), power(powers[j])]) html(row, "td", {}, text);
    const cell = html(row, "td", { class: "nb-weight" });
    html(cell, "span", { class: "nb-bar" }).style.width = `${(100 * weight).toFixed(2)}%`;
    html(cell, "span", {}, number(weight, 3));
    for (const value of v[j]) html(row, "td", {}, fit(weight * value));
  });
  html(foot, "th", { scope: "row", colspan: 3 }, "sum");
  for (const text of [power(sum), number(total(weights[query]), 3)]) html(foot, "td", {}, text);
  for (const value of output[query]) html(foot, "td", { class: "nb-sum" }, fit(value));
}

// How one query and one key come to their weight, line by line.
function words({ q, k, v, dots, scores, hidden, weights }, names, query, key, scaled) {
  const asks = `"${names[query]}"`, has = `"${names[key]}"`, why = hidden[query][key];
  if (hidden[query].every(Boolean)) return `${asks} may see nothing. The sum of eˢ is 0, and 0 / 0 is no number: weights and output are set to 0.`;
  if (why) return `${asks} may not see ${has}, ${HIDDEN[why]}: s = −∞, so eˢ = 0 and the weight is 0. The others share what it had.`;
  const { powers, sum } = powersOf(scores[query]), weight = number(weights[query][key], 3);
  const products = q[query].map((value, i) => `${factor(value)} · ${factor(k[key][i])}`).join(" + "), dot = number(dots[query][key], 0);
  return [
    `${asks} asks ${has}:`,
    `q · k = ${products} = ${dot}`,
    scaled ? `s = ${dot} / √2 = ${number(scores[query][key])}` : `s = q · k = ${dot}`,
    `weight = eˢ / sum = ${power(powers[key])} / ${power(sum)} = ${weight}`,
    `adds ${weight} · ${pair(v[key], 0)} = ${pair(v[key].map(value => value * weights[query][key]))}`,
  ].join("\n");
}

function render({ model, el }) {
  const traits = ["tokens", ...GIVEN, "query", "key", "causal", "padding", "score"];
  return live(model, el, "attention-head", traits, (root, write, signal) => {
    const start = Object.fromEntries(traits.map(name => [name, model.get(name)])), length = start.tokens.length;
    const last = { w_query: [0, 1] };                      // where each matrix has its tab stop
    let chosen = { name: "w_query", row: 0, column: 1 };   // what the slider moves

    const left = html(root, "div", { class: "nb-left" });
    html(left, "p", { class: "nb-title" }, "1. Queries, keys, values");
    const grid = new ProjectionGrid(left, {
      signal, choose,
      pick: query => write({ query }),
      change: (name, row, column, step) => { choose(name, row, column); setEntry(model.get(name)[row][column] + step); },
    });
    const entry = slider(left, { label: "chosen number", name: "entry", max: MOST, step: 1, digits: 0, signal, onInput: setEntry });
    button(left, "Start again", () => write(start), signal, { name: "start" });

    const right = html(root, "div", { class: "nb-left" });
    html(right, "p", { class: "nb-title" }, "2. Weights of all queries");
    const setting = (label, options, onChoose) => {
      const row = html(right, "div", { class: "nb-setting" });
      html(row, "span", {}, label);
      return choice(row, { label, options, signal, onChoose });
    };
    const causal = setting("Causal", CAUSAL, key => write({ causal: key === "on" }));
    const padding = setting("Padding", PADDING, key => write({ padding: key }));
    const score = setting("Score s", SCORES, key => write({ score: key }));
    const map = new WeightMap(right, { length, signal, pick: (query, key) => write({ query, key }) });
    html(right, "p", { class: "nb-legend" }, "A row for each query, a column for each key. Stripes: hidden. Move the frame, or tap a cell.");

    const rows = html(root, "div", { class: "nb-left" });
    const title = html(rows, "p", { class: "nb-title" });
    const table = html(rows, "table");
    const result = html(rows, "output", { name: "output", "aria-live": "off" });
    const more = html(root, "div", { class: "nb-left" });
    html(more, "p", { class: "nb-title" }, "One query, one key");
    const told = html(more, "output", { name: "told", "aria-live": "polite" });

    function choose(name, row, column) {
      chosen = { name, row, column };
      last[name] = [row, column];
      draw();
      grid.entry(chosen).focus();
    }
    function setEntry(value) {
      const matrix = model.get(chosen.name).map(row => [...row]);
      matrix[chosen.row][chosen.column] = clamp(value, -MOST, MOST);
      write({ [chosen.name]: matrix });
    }

    function draw() {
      const given = Object.fromEntries(GIVEN.map(name => [name, model.get(name)])), scaled = model.get("score") === "scaled";
      const [query, key] = [model.get("query"), model.get("key")], masks = { causal: model.get("causal"), padding: model.get("padding") };
      const names = model.get("tokens").map((word, i) => (isPadding(masks.padding, i, length) ? "pad" : word));
      const found = attendAll({ x: given.x, weights: [given.w_query, given.w_key, given.w_value], scaled, masks });
      grid.drawGiven(given, chosen, last);
      grid.drawFound(found, names, query, key);
      entry.set(given[chosen.name][chosen.row][chosen.column]);
      causal.set(masks.causal ? "on" : "off");
      padding.set(masks.padding);
      score.set(model.get("score"));
      map.draw(found, names, query, key);
      title.textContent = `3. The query "${names[query]}", worked out`;
      fillTable(table, found, names, query, key);
      result.textContent = `Output of "${names[query]}": ${pair(found.output[query])}`;
      result.dataset.output = JSON.stringify(found.output[query]);
      const unused = isPadding(masks.padding, query, length) ? "\nThis query is padding itself: its row is computed, and nobody uses it." : "";
      told.textContent = words(found, names, query, key, scaled) + unused;
    }
    return draw;
  });
}
export default { render };

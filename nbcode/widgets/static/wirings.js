// Three wirings of the same tokens: pick a source and a target, and see how information gets from one to the other.
import { button, choice, clamp, html, listSlider, live } from "./kit.js";
import { KERNEL, longestPath, multiplications, pairwiseMultiplications, seenFrom, sequentialSteps, shortestPath } from "./wirings_arithmetic.js";
import { WiringDrawing } from "./wiring_drawing.js";

const TOKENS = Array.from({ length: 13 }, (_, i) => i + 4);             // as in nbcode/widgets/wirings.py
const DEPTHS = Array.from({ length: TOKENS.at(-1) - 1 }, (_, i) => i + 1);
const WIDTHS = Array.from({ length: 11 }, (_, i) => 2 ** i);
const NAMES = { convolution: "Convolution", recurrence: "Recurrence", attention: "Self-attention" };
const READS = { convolution: `Reads ${KERNEL} places below (k = ${KERNEL})`, recurrence: "Reads below and to the left", attention: "Reads all places below" };
// What is counted exactly, and the orders in table 1 of Vaswani et al. (2017).
const FORMULAS = { convolution: `${KERNEL}·n·d²`, recurrence: "2·n·d²", attention: "4·n·d² + 2·n²·d" };
const ORDERS = {
  convolution: ["O(n/k)", "O(1)", "O(k·n·d²)"], recurrence: ["O(n)", "O(n)", "O(n·d²)"], attention: ["O(1)", "O(1)", "O(n²·d)"],
};
const HEADS = ["Wiring", "Longest path", "In sequence", "Multi\u00adplications"];      // may be parted where room is scarce

const grouped = value => value.toLocaleString("en-US");

function pathText(path) {
  const steps = path.length - 1, aside = path.filter(([, position], i) => i > 0 && position !== path[i - 1][1]).length;
  const which = aside === 0 ? "straight up" : aside < steps ? `${aside} of them sideways` : steps > 1 ? "all sideways" : "sideways";
  return `${steps} step${steps === 1 ? "" : "s"}, ${which}.`;
}

function noPathText(kind, seen) {
  if (kind === "recurrence") return "No path: nothing flows from right to left.";
  return `No path: only ${seen.indexOf(true) + 1} to ${seen.lastIndexOf(true) + 1} reach the target.`;
}

// How the products between tokens compare with recurrence. They cost more exactly where n > d.
function crossingText(n, d) {
  const pairs = grouped(pairwiseMultiplications(n, d)), recurrence = grouped(multiplications("recurrence", n, d));
  const verdict = `${n > d ? "The pairs cost more, as they do" : "The pairs will cost more"} from n = d + 1 = ${grouped(d + 1)} on.`;
  return `Between pairs of tokens, attention multiplies 2·n²·d = ${pairs} times; recurrence needs 2·n·d² = ${recurrence}. ${verdict} With its projections, 4·n·d², attention multiplies more at every n.`;
}

// The table of costs: its cells by wiring, each a value above a line that explains it.
function costTable(parent) {
  const table = html(parent, "table"), head = html(html(table, "thead"), "tr"), body = html(table, "tbody");
  for (const text of HEADS) html(head, "th", { scope: "col" }, text);
  return Object.fromEntries(Object.keys(NAMES).map(kind => {
    const row = html(body, "tr");
    html(row, "th", { scope: "row" }, NAMES[kind]);
    const cells = HEADS.slice(1).map(() => {
      const cell = html(row, "td");
      return { value: html(cell, "span", { class: "nb-count" }), order: html(cell, "span", { class: "nb-order" }) };
    });
    return [kind, cells];
  }));
}

function render({ model, el }) {
  const traits = ["tokens", "depth", "convolution", "source", "target", "width"];
  return live(model, el, "wirings", traits, (root, write, signal) => {
    let longestShown = false, crossingShown = false;
    const knobs = html(root, "div", { class: "nb-knobs" });
    const knob = (label, name, values) => listSlider(knobs, { label, name, values, signal, onInput: value => write({ [name]: value }) });
    const depth = knob("layers", "depth", DEPTHS), tokens = knob("tokens n", "tokens", TOKENS);
    const kernels = html(knobs, "div", { class: "nb-choice" });
    html(kernels, "span", {}, "Kernels");
    const spacing = choice(kernels, {
      label: "Kernels", options: { plain: "neighbors", dilated: "1, 2, 4, … apart" }, signal,
      onChoose: key => { longestShown = false; write({ convolution: key }); },         // so that it can be predicted again
    });

    const stage = html(root, "div", { class: "nb-wiring-stage" });
    const move = (end, position) => write({ [end]: clamp(position, 0, model.get("tokens") - 1) });
    const panels = Object.entries(NAMES).map(([kind, name]) => {
      const panel = html(stage, "div");
      html(panel, "p", { class: "nb-title" }, name);
      html(panel, "p", { class: "nb-legend" }, READS[kind]);
      const drawing = new WiringDrawing(panel, { kind, name, move, signal });
      return { kind, drawing, told: html(panel, "output", { name: kind, "aria-live": "polite" }) };
    });
    html(root, "p", { class: "nb-legend" }, "Lowest row: the tokens. Disk: source, square: target; drag them, or tap below or above the middle of a picture. Blue: what the target can see. Orange: a shortest path.");

    const costs = html(root, "div", { class: "nb-rule nb-costs" });
    const width = listSlider(costs, { label: "width d", name: "width", values: WIDTHS, signal, onInput: value => write({ width: value }) });
    const cells = costTable(costs);
    const buttons = html(costs, "div", { class: "nb-choice" });
    button(buttons, "Show longest paths", () => { longestShown = true; draw(); }, signal, { name: "longest" });
    button(buttons, "Compare with recurrence", () => { crossingShown = true; draw(); }, signal, { name: "compare" });
    const crossing = html(costs, "output", { name: "crossing", "aria-live": "polite" });
    html(costs, "p", { class: "nb-legend" }, "Longest path: steps between the two ends, with just enough layers. In sequence: operations of one layer that wait for one another. Multiplications: of one layer, products with matrices counted exactly, the rest left out. O: the leading term, as in table 1 of Vaswani et al. (2017).");

    function drawCosts(kind, n, dilated, d) {
      const [longest, sequence, products] = cells[kind], [longestOrder, sequenceOrder, productsOrder] = ORDERS[kind];
      longest.value.textContent = longestShown ? longestPath(kind, n, dilated) : "?";
      longest.order.textContent = !longestShown ? "" : kind === "convolution" && dilated ? "O(log n)" : longestOrder;
      sequence.value.textContent = sequentialSteps(kind, n);
      sequence.order.textContent = sequenceOrder;
      products.value.textContent = grouped(multiplications(kind, n, d));
      products.order.textContent = `${FORMULAS[kind]}, ${productsOrder}`;
    }
    function draw() {
      const n = model.get("tokens"), layers = model.get("depth"), d = model.get("width"), dilated = model.get("convolution") === "dilated";
      const [source, target] = ["source", "target"].map(end => Math.min(model.get(end), n - 1));
      depth.set(layers);
      tokens.set(n);
      width.set(d);
      spacing.set(model.get("convolution"));
      for (const { kind, drawing, told } of panels) {
        const path = shortestPath(kind, source, target, layers, dilated), seen = seenFrom(kind, target, layers, n, dilated);
        drawing.draw({ n, depth: layers, dilated, source, target, seen, path });
        told.textContent = path ? pathText(path) : noPathText(kind, seen[0]);
        told.dataset.path = JSON.stringify(path);
        told.dataset.seen = JSON.stringify(seen);
        drawCosts(kind, n, dilated, d);
      }
      crossing.textContent = crossingShown ? crossingText(n, d) : "";
    }
    // A figure that is built before it is shown has no width at first. Drawn in a frame of its own: else the new height
    // would be reported within the report of the new width, which browsers count as an error.
    const fit = () => { if (!signal.aborted && panels.some(({ drawing }) => drawing.wide !== drawing.width())) draw(); };
    const widths = new ResizeObserver(() => requestAnimationFrame(fit));
    widths.observe(root);
    signal.addEventListener("abort", () => widths.disconnect());
    return draw;
  });
}
export default { render };

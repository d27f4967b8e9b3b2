// A deep network before training: how large the signal and the gradient are in each layer, by activation and weights.
import { brief, button, choice, clamp, describe, handle, html, live, raised, slider, svg } from "./kit.js";
import { ACTIVATIONS, LEAK } from "./activations.js";
import { CONSTANT, DEEPEST, EXAMPLES, FLAT, INITIALIZATIONS, ROUNDING, UNITS, network, outputs, spread } from "./signal_arithmetic.js";
import { LayerChart, decades } from "./layer_chart.js";
import { Histogram } from "./histogram.js";

const TRAITS = ["activation", "initialization", "depth", "residual", "normalization", "seed", "layer"];
const SEEDS = 10000;                       // as in nbcode/widgets/signal.py
const FLOAT32_LEAST = 2 ** -149;           // the smallest positive number of float32
const ALIKE = 0.1;                         // of the signal's size: less than this is called hardly different

// A factor in two digits: 2.3, 3,400, 1.5 · 10⁹.
function times(factor) {
  const digits = Number(factor.toPrecision(2));
  if (digits < 10) return digits.toFixed(1);
  if (digits < 1e6) return digits.toLocaleString("en-US");
  const [first, power] = digits.toExponential(1).split("e");
  return `${first} · ${raised(Number(power))}`;
}

function change(from, to) {
  if (to === 0) return "shrinks to 0";
  const factor = Math.max(from / to, to / from);
  return factor < 1.5 ? "keeps its size" : `${to < from ? "shrinks" : "grows"} ${times(factor)} times`;
}

const tooSmall = value => (value > 0 && value < FLOAT32_LEAST ? ` That is less than float32, PyTorch's usual type, can hold: its smallest number is ${brief(FLOAT32_LEAST, 2)}.` : "");

function backwardWords(layers) {
  if (layers.length === 1) return "With one layer there is nothing to cross.";
  const { gradient } = layers[0];
  return `From the last layer to the first the gradient ${change(1, gradient)}.${tooSmall(gradient)}`;
}

function alikeWords({ varies, size }) {
  if (size === 0 || varies >= ALIKE * size) return "";
  return varies < ROUNDING * size ? ", but is the same for all examples, to 12 digits" : `, but is nearly the same for all examples: it varies by ${brief(varies, 2)}`;
}

function forwardWords(layers) {
  const [first, last] = [layers[0], layers.at(-1)];
  if (layers.length === 1) return `The signal is ${brief(first.size, 2)}${alikeWords(last)}.`;
  return `From the first layer to the last the signal ${change(first.size, last.size)}${alikeWords(last)}.${tooSmall(last.size)}`;
}

function weightWords(initialization, activation) {
  if (initialization === "constant") return `All weights are ${CONSTANT}.`;
  return `Normal, mean 0, standard deviation ${Number(spread(initialization, activation).toPrecision(3))}.`;
}

const percent = share => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;

// What stands in the way of the gradient in a layer.
function unitWords(name, { flat, dead, alike }) {
  const parts = alike ? [`All ${UNITS} units compute the same.`] : [];
  if (name === "relu") parts.push(`0 at ${percent(flat)} of the outputs. Dead, 0 for all ${EXAMPLES} examples: ${dead} of ${UNITS} units.`);
  else if (name === "leaky_relu") parts.push(`Slope ${LEAK} at ${percent(flat)} of the outputs, 1 at the others.`);
  else if (name !== "none") parts.push(`Saturated, slope under ${FLAT}: ${percent(flat)} of the outputs.`);
  return parts.join(" ");
}

// The layers whose numbers are written, leaving room for the chosen one.
function written(depth, chosen) {
  const step = depth <= 12 ? 1 : 5, near = depth / 22;
  return Array.from({ length: depth }, (_, k) => k + 1).filter(l => (l === 1 || l % step === 0) && Math.abs(l - chosen) > near);
}

function controls(parent, { model, write, signal }) {
  const titles = Object.fromEntries(Object.entries(ACTIVATIONS).map(([key, { title }]) => [key, title]));
  html(parent, "p", { class: "nb-title" }, "Activation");
  const activation = choice(parent, { label: "Activation", options: titles, signal, onChoose: key => write({ activation: key }) });
  html(parent, "p", { class: "nb-title" }, "Weights at the start");
  const initialization = choice(parent, { label: "Weights at the start", options: INITIALIZATIONS, signal, onChoose: key => write({ initialization: key }) });
  const weights = html(parent, "output", { name: "weights", class: "nb-legend", "aria-live": "off" });
  const depth = slider(parent, { label: "layers", name: "depth", min: 1, max: DEEPEST, step: 1, digits: 0, signal, onInput: value => write({ depth: value }) });
  const row = html(parent, "div", { class: "nb-rule" });
  const toggle = (name, text) => button(row, text, () => write({ [name]: !model.get(name) }), signal, { name });
  const toggles = { residual: toggle("residual", "Residual"), normalization: toggle("normalization", "Layer norm") };
  button(row, "Other numbers", () => write({ seed: (model.get("seed") + 1) % SEEDS }), signal, { name: "seed" });
  return settings => {
    activation.set(settings.activation);
    initialization.set(settings.initialization);
    weights.textContent = weightWords(settings.initialization, settings.activation);
    depth.set(settings.depth);
    for (const name in toggles) toggles[name].setAttribute("aria-pressed", String(settings[name]));
  };
}

// The handle below the charts: a disk with the number of the chosen layer.
function layerHandle(chart, { choose, step, signal }) {
  const node = svg(chart.plot.svg, "g", { class: "nb-layer" });
  svg(node, "circle", { r: 16, class: "nb-grip" });
  svg(node, "circle", { r: 10 });
  const text = svg(node, "text", { y: 4, "text-anchor": "middle" });
  handle(node, { signal, onMove: event => choose(chart.plot.acrossAt(event)), onKey: ([dx, dy]) => step(dx + dy) });
  return (layer, depth, said) => {
    node.setAttribute("transform", `translate(${chart.plot.x(layer)} ${chart.plot.height - 11})`);
    text.textContent = layer;
    describe(node, "Chosen layer", layer, said, [1, depth]);
  };
}

function render({ model, el }) {
  return live(model, el, "signal", TRAITS, (root, write, signal) => {
    const now = () => {
      const settings = Object.fromEntries(TRAITS.map(name => [name, model.get(name)]));
      return { ...settings, layer: Math.min(settings.layer, settings.depth) };
    };
    const choose = layer => write({ layer: clamp(Math.round(layer), 1, now().depth) });

    const charts = html(root, "div", { class: "nb-left" });
    const forward = new LayerChart(charts, { height: 146, name: "size of the signal, forward →", kind: "forward", role: "img" });
    const backward = new LayerChart(charts, { height: 150, name: "← size of the gradient, backward", kind: "backward", role: "group" });
    const grip = layerHandle(backward, { choose, step: by => choose(now().layer + by), signal });
    for (const { plot } of [forward, backward])           // a click, not a press: a finger that scrolls chooses nothing
      plot.svg.addEventListener("click", event => { if (!event.target.closest(".nb-handle")) choose(plot.acrossAt(event)); }, { signal });
    const legend = html(charts, "p", { class: "nb-legend" });
    const [, , zero] = ["● root mean square", "┄ its part that varies between examples", "○ exactly 0"].map(key => html(legend, "span", {}, key));
    const told = html(charts, "output", { name: "backward", "aria-live": "polite" });
    const signalTold = html(charts, "output", { name: "forward", "aria-live": "polite" });

    const right = html(root, "div", { class: "nb-right" });
    const set = controls(right, { model, write, signal });
    const below = html(right, "div", { class: "nb-rule" });
    const layerTold = html(below, "output", { name: "layer", "aria-live": "off" });
    const histogram = new Histogram(below, "Outputs of the activation");
    const unitsTold = html(below, "output", { name: "units", "aria-live": "off" });

    function drawLayer({ layer, activation }, { size, varies, gradient, ...rest }) {
      const found = outputs(rest, activation);
      layerTold.textContent = `Layer ${layer}: signal ${brief(size)}, gradient ${brief(gradient)}. Outputs of its activation:`;
      unitsTold.textContent = unitWords(activation, found);
      histogram.draw(found.counts, found.from, found.to);
      Object.assign(layerTold.dataset, { layer, size, varies, gradient });
      Object.assign(unitsTold.dataset, { ...found, counts: found.counts.join(" ") });
    }

    function draw() {
      const settings = now(), { layer, depth, activation, initialization, residual, normalization, seed } = settings;
      const layers = network({ activation, initialization, depth, residual, normalization, seed });
      const row = name => layers.map(each => each[name]), [sizes, gradients, varies] = ["size", "gradient", "varies"].map(row);
      const rounded = varies.findIndex((value, k) => value <= ROUNDING * sizes[k]);      // from there on, it is not drawn
      const known = rounded < 0 ? varies : varies.slice(0, rounded);
      const scale = decades([...sizes, ...gradients, ...known]);
      forward.draw(sizes, known, scale, layer, []);
      backward.draw(gradients, [], scale, layer, written(depth, layer));
      set(settings);
      zero.hidden = ![...sizes, ...gradients].includes(0);
      told.textContent = backwardWords(layers);
      signalTold.textContent = forwardWords(layers);
      forward.plot.svg.setAttribute("aria-label", `The size of the signal in ${depth} layers. ${signalTold.textContent}`);
      backward.plot.svg.setAttribute("aria-label", `The size of the gradient in ${depth} layers. ${told.textContent}`);
      Object.assign(told.dataset, { gradients: gradients.join(" "), sizes: sizes.join(" "), varies: varies.join(" ") });
      drawLayer(settings, layers[layer - 1]);
      grip(layer, depth, `layer ${layer}: signal ${brief(layers[layer - 1].size)}, gradient ${brief(layers[layer - 1].gradient)}`);
    }
    return draw;
  });
}
export default { render };

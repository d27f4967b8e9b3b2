// The chain rule, one node at a time: values are there from the start, gradients appear from the result backward.
import { brief, button, choice, html, live, number, slider, tidy } from "./kit.js";
import { graph, walked } from "./backward_arithmetic.js";
import { GraphDrawing } from "./graph_drawing.js";

const REACH = 2;           // of the inputs, as in nbcode/widgets/backward.py
const ROOMY = 720;         // pixels from which on the boxes stand side by side in readable size

// Two decimals, or two digits of what would be nearly 0 then: a saturated tanh has a slope, if a small one.
const short = value => (value !== 0 && Math.abs(value) < 0.095 ? brief(value, 2) : number(value));
const factor = value => (value < 0 ? `(${short(value)})` : short(value));

// "p = a · b: a gets −1.50 × 1.00 = −1.50. b gets 2.00 × 1.00 = 2.00."
function sentence(step, flows) {
  const parts = flows.map(({ parent, slope, arrives, part, parts, gradient, open }) => {
    const product = `${parent.name} gets ${short(slope)} × ${factor(arrives)} = ${short(part)}`;
    if (parts.length === 1) return open ? `${product}, and more is to come.` : `${product}.`;
    return `${product}; the sum of its parts is ${parts.map(factor).join(" + ")} = ${short(gradient)}.`;
  });
  return `${step.text}: ${parts.join(" ")}`;
}

function gradientText({ gradient, parts, open }, isResult) {
  if (isResult || (parts.length && !open)) return short(gradient);
  return parts.length ? `${short(gradient)} + ?` : "?";
}

function render({ model, el }) {
  const traits = ["expression", "inputs", "done"];
  return live(model, el, "backward", traits, (root, write, signal) => {
    const expressions = model.get("expressions");
    const expression = () => expressions[model.get("expression")];
    const texts = Object.fromEntries(Object.entries(expressions).map(([key, { text }]) => [key, text]));
    const choose = choice(root, { label: "Expression", options: texts, signal, onChoose: key => write({ expression: key, inputs: expressions[key].inputs, done: 0 }) });
    const stage = html(root, "div", { class: "nb-picture" });
    const buttons = html(root, "div", { class: "nb-rule" });
    button(buttons, "Step", () => write({ done: Math.min(now().done + 1, now().total) }), signal, { name: "step" });
    button(buttons, "All steps", () => write({ done: now().total }), signal, { name: "all" });
    button(buttons, "Start again", () => write({ done: 0 }), signal, { name: "again" });
    const told = html(root, "output", { name: "told", "aria-live": "polite" });
    const knobs = html(root, "div", { class: "nb-knobs" });
    html(root, "p", { class: "nb-legend" }, "grad: slope of the result along this value. Number at an arrow back: slope of the operation along that parent. What flows back is slope × grad.");

    let drawing = null, drawn = "", sliders = {};
    function now() {
      const nodes = graph(expression(), model.get("inputs")), state = walked(nodes, model.get("done"));
      return { nodes, ...state, done: state.made.length };
    }
    const isWide = () => root.clientWidth >= ROOMY;
    const layoutNow = () => `${model.get("expression")} ${isWide() ? "across" : "down"}`;
    function drawAnew(nodes) {
      stage.replaceChildren();
      drawing = new GraphDrawing(stage, nodes, isWide(), `The graph of ${expression().text}`);
    }
    function knobsAnew() {
      knobs.replaceChildren();
      const names = Object.keys(expression().inputs);
      sliders = Object.fromEntries(names.map(name => [name, slider(knobs, {
        label: name, name, max: REACH, step: 0.1, signal,
        onInput: value => write({ inputs: { ...model.get("inputs"), [name]: tidy(value) } }),
      })]));
    }

    function draw() {
      const { nodes, found, made, flows, last, done, total } = now();
      const kind = model.get("expression"), layout = layoutNow();
      if (!drawn.startsWith(`${kind} `)) knobsAnew();
      if (drawn !== layout) drawAnew(nodes);
      drawn = layout;
      choose.set(kind);
      for (const node of nodes) {
        if (node.name in sliders) sliders[node.name].set(node.value);
        const { node: box, title, value, gradient } = drawing.boxes.get(node.name), result = node === nodes.at(-1);
        const text = gradientText(found.get(node), result);
        title.textContent = node.text;
        value.textContent = `value ${short(node.value)}`;
        gradient.textContent = `grad ${text}`;
        box.dataset.known = !text.includes("?");
        box.dataset.now = node === last;
        Object.assign(box.dataset, { name: node.name, value: node.value, gradient: text.includes("?") ? text : found.get(node).gradient });
        box.setAttribute("aria-label", `${node.text}: value ${short(node.value)}, gradient ${text === "?" ? "not known yet" : text.replace(" + ?", ", and more is to come")}`);
        drawing.edges.get(node.name).forEach(({ node: edge, slope }, i) => {
          edge.dataset.walked = made.includes(node);
          edge.dataset.now = node === last;
          slope.textContent = made.includes(node) ? short(node.slopes[i]) : "";
        });
      }
      const result = nodes.at(-1).name;
      told.textContent = !done ? `The gradient of ${result} along itself is 1. Which one comes next, and how large is it?`
        : `${sentence(last, flows)}${done === total ? " All gradients are known." : ""}`;
    }
    // A figure that is built before it is shown has no width at first. Drawn in a frame of its own: else the new height
    // would be reported within the report of the new width, which browsers count as an error.
    const turn = () => { if (!signal.aborted && drawn !== layoutNow()) draw(); };
    const widths = new ResizeObserver(() => requestAnimationFrame(turn));
    widths.observe(root);
    signal.addEventListener("abort", () => widths.disconnect());
    return draw;
  });
}
export default { render };

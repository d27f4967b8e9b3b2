// Two hidden neurons turn the plane of the inputs into the plane of their outputs; a third draws its line there.
import { choice, button, html, svg, live, number } from "./kit.js";
import { Plane, Line, point, placePoint, legend } from "./plane.js";
import { fires, misses } from "./neuron_arithmetic.js";

// Where the hidden neurons send a point: the twin of Neurons.fire on two neurons.
export const hiddenOutputs = (first, second, input) => [fires(first, input), fires(second, input)];

const SOLVED = { first: [1, 1, -0.5], second: [-1, -1, 1.5], output: [1, 1, -1.5] };   // OR, NAND, AND

function render({ model, el }) {
  const traits = ["first", "second", "output", "gate"];
  return live(model, el, "hidden", traits, (root, write, signal) => {
    const gates = model.get("gates");
    const start = Object.fromEntries(traits.map(name => [name, model.get(name)]));

    const inputs = html(root, "div", { class: "nb-left" });
    html(inputs, "p", { class: "nb-title" }, "The inputs, and two hidden neurons");
    const before = new Plane(inputs, { low: -0.75, high: 1.75, names: ["x₁", "x₂"], label: "The plane of the inputs" });
    const first = new Line(before, { name: "Hidden neuron 1, solid", anchor: [0.1, -0.55], set: values => write({ first: values }), signal });
    const second = new Line(before, { name: "Hidden neuron 2, dashed", style: "nb-second", anchor: [1.3, 1.3], set: values => write({ second: values }), signal });
    legend(inputs);

    const outputs = html(root, "div", { class: "nb-left" });
    html(outputs, "p", { class: "nb-title" }, "Their outputs, and the output neuron");
    const after = new Plane(outputs, { low: -0.75, high: 1.75, names: ["h₁", "h₂"], label: "The plane of the hidden outputs" });
    const output = new Line(after, { name: "Output neuron", set: values => write({ output: values }), signal });

    const below = html(root, "div", { class: "nb-right" });
    const gate = choice(below, { label: "Labels", options: Object.fromEntries(Object.keys(gates).map(key => [key, key.toUpperCase()])), signal, onChoose: key => write({ gate: key }) });
    const table = html(below, "table");
    const count = html(below, "output", { name: "misses", "aria-live": "polite" });
    const rule = html(below, "div", { class: "nb-rule" });
    button(rule, "Start again", () => write(start), signal, { name: "start" });
    button(rule, "Show one solution", () => write(SOLVED), signal, { name: "solve" });

    const dots = [0, 1, 2, 3].map(() => point(before.points));
    const images = [0, 1, 2, 3].map(() => point(after.points));
    for (const [nodes, plane] of [[dots, before], [images, after]])
      nodes.forEach((node, i) => svg(node, "text", { x: 13, y: -10, class: "nb-letter" }).textContent = "ABCD"[i]);

    function draw() {
      const [one, two, three] = [model.get("first"), model.get("second"), model.get("output")];
      const corners = gates[model.get("gate")];
      gate.set(model.get("gate"));
      const sent = corners.map(([x1, x2, label]) => [...hiddenOutputs(one, two, [x1, x2]), label]);
      first.draw(one, corners);
      second.draw(two, corners);
      output.draw(three, sent);
      const met = {};
      corners.forEach((corner, i) => {
        const missed = fires(three, sent[i]) !== corner[2];
        placePoint(dots[i], before, corner, missed);
        // Corners that the hidden neurons send to one place are drawn side by side, so that none hides another.
        const key = sent[i].slice(0, 2).join(), shift = 0.17 * (met[key] = (met[key] ?? -1) + 1);
        placePoint(images[i], after, [sent[i][0] + shift, sent[i][1], corner[2]], missed);
      });
      const missed = misses(three, sent);
      count.textContent = `${missed} of 4 missed`;
      count.dataset.right = missed === 0;
      table.replaceChildren();
      const head = html(html(table, "thead"), "tr");
      for (const name of ["corner", "x₁", "x₂", "h₁", "h₂", "output", "label"]) html(head, "th", { scope: "col" }, name);
      const body = html(table, "tbody");
      corners.forEach(([x1, x2, label], i) => {
        const row = html(body, "tr");
        html(row, "th", { scope: "row" }, "ABCD"[i]);
        for (const value of [x1, x2, sent[i][0], sent[i][1], fires(three, sent[i]), label]) html(row, "td", {}, number(value, 0));
      });
    }
    return draw;
  });
}
export default { render };

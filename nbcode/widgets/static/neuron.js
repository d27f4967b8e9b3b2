// One neuron with two inputs: its parameters, its line and its points can all be moved; misses are counted.
import { LIMIT, choice, button, slider, html, handle, describe, live, number, signed, clamp, tidy } from "./kit.js";
import { Plane, Line, point, placePoint, legend, segment } from "./plane.js";
import { weightedSum, fires, misses, corrected, nextMiss } from "./neuron_arithmetic.js";

const LOW = -0.75, HIGH = 1.75;
const RUN_LIMIT = 200;          // corrections in one run; a line that exists is found long before, XOR never ends

function render({ model, el }) {
  const traits = ["w1", "w2", "b", "points"];
  const values = () => [model.get("w1"), model.get("w2"), model.get("b")];
  return live(model, el, "neuron", traits, (root, write, signal) => {
    const presets = model.get("presets");
    let selected = 0, position = 0, corrections = 0, timer = null;
    signal.addEventListener("abort", () => clearInterval(timer));

    const setNeuron = ([w1, w2, b]) => write({ w1: clamp(w1, -LIMIT, LIMIT), w2: clamp(w2, -LIMIT, LIMIT), b: clamp(b, -LIMIT, LIMIT) });
    const byHand = neuron => { stop(); restart(); setNeuron(neuron); };
    const restart = () => { position = 0; corrections = 0; };
    const stop = () => { clearInterval(timer); timer = null; };

    const left = html(root, "div", { class: "nb-left" });
    const plane = new Plane(left, { low: LOW, high: HIGH, names: ["x₁", "x₂"], label: "The plane of the two inputs" });
    const line = new Line(plane, { name: "Neuron", set: byHand, signal });
    legend(left);

    const right = html(root, "div", { class: "nb-right" });
    const names = Object.fromEntries(Object.keys(presets).map(key => [key, key === "clouds" ? "clouds" : key.toUpperCase()]));
    const preset = choice(right, { label: "Points", options: names, signal, onChoose: key => { stop(); restart(); selected = 0; write({ points: presets[key] }); } });
    const sliders = {};
    for (const [name, label] of [["w1", "w₁"], ["w2", "w₂"], ["b", "b"]])
      sliders[name] = slider(right, { label, name, max: 3, step: 0.1, signal, onInput: value => { stop(); restart(); write({ [name]: value }); } });

    const equation = html(right, "p", { class: "nb-equation" });
    const chosen = html(right, "output", { name: "selected", "aria-live": "off" });
    const flip = button(right, "Flip this point's label", () => flipLabel(selected), signal, { name: "flip" });
    const count = html(right, "output", { name: "misses", "aria-live": "polite" });

    const rule = html(right, "div", { class: "nb-rule" });
    button(rule, "Correct one miss", () => { stop(); correctOne(); }, signal, { name: "correct" });
    const runButton = button(rule, "Run the rule", () => (timer ? (stop(), draw()) : run()), signal, { name: "run" });
    button(rule, "Start from zero", () => { stop(); restart(); setNeuron([0, 0, 0]); }, signal, { name: "zero" });
    const told = html(rule, "output", { name: "corrections", "aria-live": "off" });

    let nodes = [];

    function movePoint(i, [x, y]) {
      stop();
      restart();
      const points = model.get("points").map(p => [...p]);
      points[i] = [tidy(clamp(x, LOW, HIGH)), tidy(clamp(y, LOW, HIGH)), points[i][2]];
      write({ points });
    }
    function flipLabel(i) {
      stop();
      restart();
      const points = model.get("points").map(p => [...p]);
      points[i][2] = 1 - points[i][2];
      write({ points });
    }
    function correctOne() {
      const points = model.get("points"), miss = nextMiss(values(), points, position);
      if (miss < 0) return false;
      corrections += 1;
      position = miss + 1;
      selected = miss;
      setNeuron(corrected(values(), points[miss]));
      return true;
    }
    function run() {
      const step = () => { if (corrections >= RUN_LIMIT || !correctOne()) { stop(); draw(); } };
      if (corrections >= RUN_LIMIT) corrections = 0;
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
        while (corrections < RUN_LIMIT && correctOne());
        draw();
      } else {
        timer = setInterval(step, 60);
        step();
      }
    }
    function pointNode(i) {
      const node = point(plane.points);
      handle(node, {
        signal,
        onMove: event => movePoint(i, plane.at(event)),
        onKey: ([dx, dy]) => { const [x, y] = model.get("points")[i]; movePoint(i, [x + 0.05 * dx, y + 0.05 * dy]); },
        onPress: () => flipLabel(i),
        onFocus: () => { selected = i; draw(); },
      });
      return node;
    }
    function drawPoints(neuron, points) {
      while (nodes.length > points.length) nodes.pop().remove();
      while (nodes.length < points.length) nodes.push(pointNode(nodes.length));
      points.forEach((p, i) => {
        const wrong = fires(neuron, p) !== p[2];
        placePoint(nodes[i], plane, p, wrong);
        nodes[i].classList.toggle("nb-selected", i === selected);
        describe(nodes[i], `Point ${i + 1}, label ${p[2]}${wrong ? ", missed" : ""}`, p[0], `x1 ${number(p[0])}, x2 ${number(p[1])}`, [LOW, HIGH]);
      });
    }
    function same(a, b) { return JSON.stringify(a) === JSON.stringify(b); }

    function draw() {
      const neuron = values(), [w1, w2, b] = neuron, points = model.get("points");
      selected = Math.min(selected, points.length - 1);
      line.draw(neuron, points);
      drawPoints(neuron, points);
      for (const name in sliders) sliders[name].set(model.get(name));
      preset.set(Object.keys(presets).find(key => same(presets[key], points)));
      const seen = segment(neuron, LOW, HIGH) ? "" : ". Its line is outside the picture";
      equation.textContent = `z = ${number(w1)} x₁${signed(w2)} x₂${signed(b)}, fires where z > 0${seen}`;
      const [x1, x2, label] = points[selected], z = weightedSum(neuron, points[selected]);
      const right = fires(neuron, points[selected]) === label;
      chosen.textContent = `Point ${selected + 1} at (${number(x1)}, ${number(x2)}), label ${label}: z = ${number(z)}, ${z > 0 ? "fires" : "silent"}, ${right ? "right" : "missed"}`;
      const missed = misses(neuron, points);
      count.textContent = `${missed} of ${points.length} missed`;
      count.dataset.right = missed === 0;
      count.setAttribute("aria-live", timer ? "off" : "polite");       // else a run would be read out step by step
      runButton.textContent = timer ? "Stop" : "Run the rule";
      const times = `${corrections} correction${corrections === 1 ? "" : "s"}`;
      told.textContent = !corrections ? "The perceptron rule has not moved it."
        : missed === 0 ? `${times}, and no miss is left.`
        : corrections >= RUN_LIMIT ? `${times}, and still not done.` : `${times} so far.`;
    }
    return draw;
  });
}
export default { render };

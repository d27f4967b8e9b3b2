// A line through points: the reader moves it, or Adam does, and the loss of every step is drawn.
import { LIMIT, choice, button, slider, html, svg, handle, describe, live, number, signed, clamp, tidy } from "./kit.js";
import { memory } from "./optimizers.js";
import { Plot } from "./plot.js";
import { LossCurve } from "./loss_curve.js";
import { squaredError, adamStep, hardlyChanged, sameX, bestLine, visiblePart } from "./line_fit_arithmetic.js";

const X = [-2.5, 2.5], Y = [-5, 5];
const ENDS = [-2.25, 2.25];     // where the line has its handles
const RATES = { "0.01": "0.01", "0.1": "0.1", "1.0": "1" };     // with "1" as a key it would come first
const RUN_LIMIT = 500;          // steps of Adam in one run
const STILL = 20;               // so many steps in a row without a noticeable change end it
const FRAME = 1000 / 60;

function render({ model, el }) {
  return live(model, el, "line-fit", ["w", "b", "points", "rate"], (root, write, signal) => {
    const values = () => [model.get("w"), model.get("b")];
    const lossNow = () => squaredError(values(), model.get("points"));
    const start = values();
    let known, remembered, history, best, revealed, timer, taken, still, ended, held, moved;
    signal.addEventListener("abort", () => clearInterval(timer));

    const left = html(root, "div", { class: "nb-left" });
    const plot = new Plot(left, { height: 300, names: ["x", "y"] });
    plot.frame(X, Y, [[-2, -1, 0, 1, 2], [-4, -2, 0, 2, 4]]);
    const residuals = svg(plot.inner, "path", { class: "nb-residuals" });
    const group = svg(plot.inner, "g", { class: "nb-line" });
    const line = svg(group, "line");
    const dots = svg(plot.inner, "g", { class: "nb-dots" });
    const grips = ENDS.map((x, end) => grip(svg(svg(plot.inner, "g", { class: "nb-line" }), "rect", { width: 16, height: 16, rx: 3 }), end));
    const legend = html(left, "p", { class: "nb-legend" });
    for (const text of ["● point", "┆ how far the line misses it", "■ handle"]) html(legend, "span", {}, text);

    const right = html(root, "div", { class: "nb-right" });
    const equation = html(right, "p", { class: "nb-equation" });
    const sliders = Object.fromEntries(["w", "b"].map(name =>
      [name, slider(right, { label: name, name, max: 3, step: 0.05, signal, onInput: value => write({ [name]: value }) })]));
    const shown = html(right, "output", { name: "loss", "aria-live": "polite" });
    const byHand = html(right, "output", { name: "best", "aria-live": "off" });
    const least = html(right, "output", { name: "least", "aria-live": "polite" });
    const reveal = button(right, "", () => { revealed = !revealed; draw(); }, signal, { name: "reveal" });

    const rates = html(right, "div", { class: "nb-rule" });
    html(rates, "span", {}, "Learning rate");
    const rate = choice(rates, { label: "Learning rate", options: RATES, signal, onChoose: key => write({ rate: Number(key) }) });
    const adam = html(right, "div", { class: "nb-choice" });
    button(adam, "One step of Adam", () => { stop(); put(oneStep(values())); }, signal, { name: "step" });
    const runButton = button(adam, "Run Adam", () => (timer ? (stop(), draw()) : run()), signal, { name: "run" });
    button(adam, "Start again", again, signal, { name: "again" });
    const told = html(right, "output", { name: "told", "aria-live": "polite" });
    const curve = new LossCurve(html(root, "div", { class: "nb-left" }));

    // From press to release a drag is one move, however many values it goes through.
    root.addEventListener("pointerdown", () => { held = true; moved = false; }, { capture: true, signal });
    root.addEventListener("keydown", () => { held = false; }, { capture: true, signal });
    for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => { held = false; }, { capture: true, signal });

    function grip(node, end) {
      const height = k => clamp(model.get("w") * ENDS[k] + model.get("b"), ...Y);
      // The line through both handles as they are seen: each stays in the picture, and w and b within their limits.
      const setHeight = y => {
        const ends = ENDS.map((_, k) => (k === end ? clamp(y, ...Y) : height(k)));
        write({ w: tidy((ends[1] - ends[0]) / (ENDS[1] - ENDS[0]), 4), b: tidy((ends[0] + ends[1]) / 2, 4) });
      };
      handle(node, { signal, onMove: event => setHeight(plot.heightAt(event)), onKey: ([dx, dy]) => setHeight(height(end) + 0.1 * (dx + dy)) });
      return () => {
        const y = height(end), side = end ? "right" : "left";
        node.setAttribute("x", plot.x(ENDS[end]) - 8);
        node.setAttribute("y", plot.y(y) - 8);
        describe(node, `Height of the line at its ${side} end`, y, number(y), Y);
      };
    }

    function stop() { clearInterval(timer); timer = null; ended = ""; }
    function forget() { stop(); remembered = memory(2); taken = 0; }
    function begin() {
      forget();
      held = moved = false;
      history = [{ loss: lossNow(), adam: false }];
      known = { line: values(), rate: model.get("rate"), points: model.get("points") };
    }
    function again() { put(start); begin(); draw(); }
    // What Adam moved is known when it is drawn; whatever else has changed came from outside: from a hand, or from Python.
    function put(next) { known.line = next; write({ w: next[0], b: next[1] }); }
    function notice() {
      const now = { line: values(), rate: model.get("rate"), points: model.get("points") };
      const changed = name => JSON.stringify(now[name]) !== JSON.stringify(known?.[name]);
      if (changed("points")) { best = null; revealed = false; begin(); }
      else if (changed("line")) {
        forget();
        if (held && moved) history.pop();
        moved = held;
        history.push({ loss: lossNow(), adam: false });
        best = Math.min(best ?? Infinity, lossNow());
      } else if (changed("rate")) forget();
      known = now;
    }

    function oneStep(from) {
      const points = model.get("points"), [next, after] = adamStep(from, points, model.get("rate"), remembered);
      remembered = after;
      history.push({ loss: squaredError(next, points), adam: true });
      return next;
    }
    function runStep(from) {
      const next = oneStep(from), [before, after] = history.slice(-2).map(entry => entry.loss);
      taken += 1;
      still = hardlyChanged(before, after) ? still + 1 : 0;
      if (still >= STILL || taken >= RUN_LIMIT) {
        stop();
        ended = still >= STILL ? "The loss no longer falls: the run has ended." : `A run ends after ${RUN_LIMIT} steps, and the loss still changes.`;
        revealed = true;
      }
      return next;
    }
    function run() {
      stop();
      taken = still = 0;
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
        let next = values();
        while (!ended) next = runStep(next);
        put(next);
      } else {
        timer = setInterval(() => put(runStep(values())), FRAME);
        put(runStep(values()));
      }
    }

    function drawPlane(now, points) {
      const part = visiblePart(now, X, Y);
      line.style.display = part ? "" : "none";
      if (part) for (const [k, [x, y]] of part.entries()) {
        line.setAttribute(`x${k + 1}`, plot.x(x));
        line.setAttribute(`y${k + 1}`, plot.y(y));
      }
      for (const place of grips) place();
      residuals.setAttribute("d", points.map(([x, y]) => `M${plot.place([x, y])}V${plot.y(clamp(now[0] * x + now[1], ...Y)).toFixed(1)}`).join(""));
      while (dots.children.length > points.length) dots.lastChild.remove();
      while (dots.children.length < points.length) svg(dots, "circle", { r: 5 });
      points.forEach(([x, y], i) => { dots.children[i].setAttribute("cx", plot.x(x)); dots.children[i].setAttribute("cy", plot.y(y)); });
      equation.textContent = `y = ${number(now[0])} x${signed(now[1])}${part ? "" : ", outside the picture"}`;
      plot.svg.setAttribute("aria-label", `A plane with ${points.length} points and the line ${equation.textContent}`);
    }
    function leastText(points) {
      if (!revealed) return "Least possible loss: ?";
      const [w, b] = bestLine(points), at = `w\u00a0=\u00a0${number(w)}, b\u00a0=\u00a0${number(b)}`;
      const why = sameX(points) ? ", by many lines, since all x are equal" : Math.max(Math.abs(w), Math.abs(b)) === LIMIT ? `, within the limits, at ${at}` : ` at ${at}`;
      return `Least possible loss: ${number(squaredError([w, b], points), 4)}${why}`;
    }
    function say(node, text) {
      node.setAttribute("aria-live", timer ? "off" : "polite");         // else a run would be read out step by step
      if (node.textContent !== text) node.textContent = text;
    }
    function draw() {
      notice();
      const points = model.get("points"), steps = remembered.steps, moves = history.filter(entry => !entry.adam).length - 1;
      drawPlane(values(), points);
      for (const name in sliders) sliders[name].set(model.get(name));
      rate.set(Object.keys(RATES).find(key => Number(key) === model.get("rate")));
      say(shown, `Loss: ${number(lossNow(), 4)}`);
      byHand.textContent = `Moves by hand: ${moves}. Your best: ${best === null ? "none yet" : number(best, 4)}`;
      say(least, leastText(points));
      runButton.textContent = timer ? "Stop" : "Run Adam";
      say(told, steps ? `${steps} step${steps === 1 ? "" : "s"} of Adam. ${ended}`.trim() : "Adam has made no step from here.");
      reveal.textContent = `${revealed ? "Hide" : "Show"} the best possible`;
      curve.draw(history, revealed ? squaredError(bestLine(points), points) : null);
    }
    return draw;
  });
}
export default { render };

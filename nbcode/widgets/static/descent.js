// A ball on a loss surface, seen from above: choose a start, a rule and a rate, and see where its steps lead.
import { brief, button, choice, describe, handle, html, live, number, sizeSlider, svg, clamp, tidy } from "./kit.js";
import { Plane } from "./plane.js";
import { MOMENTUM, RULES } from "./optimizers.js";
import { above, contour, levels } from "./contours.js";
import { curvatures, descend, ending, gradient, largestStableRate, loss, lowest } from "./descent_arithmetic.js";
import { HeightCurve } from "./height_curve.js";

const REACH = 3, RATES = [0.001, 10], MOST_STEPS = 1000;      // as in nbcode/widgets/descent.py
const RUN = 200;           // steps of one run
const PAUSE = 34;          // milliseconds between two of them
const FAR = 1000;          // further out than this, the path is not drawn true: no screen could tell

const where = value => (Math.abs(value) < 1000 ? number(value, 3) : brief(value));
const counted = steps => `${steps} step${steps === 1 ? "" : "s"}`;

// A window onto the square of a plane that cuts off what lies outside. A clip path would need an id.
function cutOff(plane, group) {
  const from = plane.x(-REACH), top = plane.y(REACH), size = plane.x(REACH) - from;
  return svg(group, "svg", { x: from, y: top, width: size, height: size, viewBox: `${from} ${top} ${size} ${size}` });
}

function drawSurface(plane, hill, surface) {
  hill.replaceChildren();
  const lines = levels(surface, REACH);
  for (const level of [...lines].reverse())
    for (const polygon of contour(surface, level)) svg(hill, "polygon", { class: "nb-level", points: plane.path(polygon) });
  let last = plane.y(lowest(surface)[1]) + 4;             // no number covers the lowest place either
  for (const level of lines) {
    const place = above(surface, level), y = plane.y(place[1]);
    if (last - y < 20 || y < plane.y(REACH) + 10) continue;      // would cover the one before, or be cut off
    const text = svg(hill, "text", { class: "nb-height", x: plane.x(place[0]), y: y + 4, "text-anchor": "middle" });
    text.textContent = String(tidy(level, 3)).replace("-", "−");
    last = y;
  }
}

// What can be said about the largest rate at which a rule converges on a surface.
function limit(surface, rule, name) {
  if (rule === "adam")
    return "Adam divides by the size of the gradients so far: its first step moves each weight by the rate, however steep it is. So the curvature sets it no such simple limit.";
  const bottom = lowest(surface), sharpest = curvatures(surface, bottom)[1];
  const factor = rule === "sgd" ? "2" : `2 · (1 + ${MOMENTUM})`;
  const found = `${factor} / ${brief(sharpest)} = ${brief(largestStableRate(rule, sharpest))}`;
  const from = `${RULES[rule]}: the rate must stay below ${found}`;
  if (surface[3] === 0) return `${from}, because the largest curvature of the ${name} is ${brief(sharpest)} everywhere.`;
  return `${from} near the minima, where the largest curvature is ${brief(sharpest)}. Farther out this surface is steeper, and the limit says nothing there.`;
}

function render({ model, el }) {
  const traits = ["surface", "rule", "rate", "start", "steps"];
  return live(model, el, "descent", traits, (root, write, signal) => {
    const surfaces = model.get("surfaces");
    let timer = null, target = 0, limitShown = false, drawn = null;
    const surface = () => surfaces[model.get("surface")];
    const run = steps => descend(surface(), model.get("rule"), model.get("rate"), model.get("start"), steps);
    const stop = () => { clearInterval(timer); timer = null; };
    signal.addEventListener("abort", stop);

    const left = html(root, "div", { class: "nb-left" });
    const plane = new Plane(left, { low: -REACH, high: REACH, names: ["u", "v"], ticks: [-2, 0, 2], label: "The loss over the weights u and v, from above" });
    const hill = cutOff(plane, plane.regions), trail = cutOff(plane, plane.lines);
    const line = svg(trail, "path", { class: "nb-trail" });
    const dots = svg(trail, "path", { class: "nb-dots" });
    const begin = svg(plane.points, "g", { class: "nb-begin" });
    svg(begin, "circle", { r: 15, class: "nb-grip" });
    svg(begin, "circle", { r: 10 });
    const ball = svg(plane.points, "circle", { r: 6, class: "nb-ball" });
    const away = svg(plane.points, "polygon", { points: "-14,-9 2,0 -14,9", class: "nb-ball" });
    html(left, "p", { class: "nb-legend" }, "Along a line the loss is the same: the number says how high. Ring: start. Disk: the ball now. Tap anywhere for another start.");

    const right = html(root, "div", { class: "nb-right" });
    const names = Object.fromEntries(Object.keys(surfaces).map(key => [key, key[0].toUpperCase() + key.slice(1)]));
    const shape = choice(right, { label: "Surface", options: names, signal, onChoose: key => startAnew({ surface: key }) });
    const rule = choice(right, { label: "Optimizer", options: RULES, signal, onChoose: key => { stop(); limitShown = false; write({ rule: key }); } });
    const rate = sizeSlider(right, { label: "rate", name: "rate", min: RATES[0], max: RATES[1], signal, onInput: value => { stop(); write({ rate: value }); } });
    const buttons = html(right, "div", { class: "nb-rule" });
    button(buttons, "One step", () => { stop(); write({ steps: stepsAfter(1) }); }, signal, { name: "step" });
    const roll = button(buttons, "Roll", () => (timer ? (stop(), draw()) : begun()), signal, { name: "roll" });
    button(buttons, "Back to the start", () => { stop(); write({ steps: 0 }); }, signal, { name: "back" });
    button(buttons, "Show the limit", () => { limitShown = true; draw(); }, signal, { name: "limit" });
    const told = html(right, "output", { name: "told", "aria-live": "polite" });
    const height = html(right, "output", { name: "loss", "aria-live": "off" });
    const slope = html(right, "output", { name: "gradient", "aria-live": "off" });
    const allowed = html(right, "output", { name: "limit", "aria-live": "polite" });
    html(right, "p", { class: "nb-legend" }, "Height above the lowest place, step by step:");
    const curve = new HeightCurve(right, "Height above the lowest place");

    // Another place or surface begins a new run. Another rule or rate shows the same number of steps anew.
    function startAnew(changes) {
      stop();
      if (changes.surface) limitShown = false;
      write({ ...changes, steps: 0 });
    }
    const startAt = ([u, v]) => startAnew({ start: [tidy(clamp(u, -REACH, REACH)), tidy(clamp(v, -REACH, REACH))] });
    const stepsAfter = more => run(Math.min(MOST_STEPS, run(model.get("steps")).length - 1 + more)).length - 1;

    function begun() {
      target = stepsAfter(RUN);
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) return write({ steps: target });
      const step = () => { if (model.get("steps") >= target) stop(); write({ steps: Math.min(target, stepsAfter(1)) }); };
      timer = setInterval(step, PAUSE);
      step();
    }

    handle(begin, {
      signal,
      onMove: event => startAt(plane.at(event)),
      onKey: ([dx, dy]) => { const [u, v] = model.get("start"); startAt([u + 0.1 * dx, v + 0.1 * dy]); },
    });
    // A click, not a press: a finger that scrolls the page over the picture moves nothing.
    plane.svg.addEventListener("click", event => { if (!event.target.closest(".nb-handle")) startAt(plane.at(event)); }, { signal });

    function drawBall(path) {
      const size = ([u, v]) => Math.max(Math.abs(u), Math.abs(v));
      const near = path.map(place => place.map(value => value * Math.min(1, FAR / size(place))));
      line.setAttribute("d", `M${plane.path(near)}`);
      dots.setAttribute("d", near.map(place => `M${plane.path([place])}h0`).join(""));     // round ends make dots of them
      const [u, v] = path.at(-1), furthest = size([u, v]), outside = furthest > REACH;
      const edge = [u, v].map(value => value / Math.max(1, furthest / REACH));
      ball.style.display = outside ? "none" : "";
      away.style.display = outside ? "" : "none";
      ball.setAttribute("cx", plane.x(u));
      ball.setAttribute("cy", plane.y(v));
      away.setAttribute("transform", `translate(${plane.x(edge[0])} ${plane.y(edge[1])}) rotate(${Math.atan2(-v, u) * 180 / Math.PI})`);
      return outside;
    }
    function words(steps, place, outside) {
      const f = brief(loss(surface(), place)), all = counted(steps);
      const end = ending(surface(), place);
      if (end === "down") return steps ? `Down after ${all}.` : "The ball lies at the bottom already.";
      if (end === "pass") return `${steps ? `Stopped after ${all}` : "The ball lies"} on the pass between the valleys: the gradient is 0 there, but it is no minimum.`;
      if (end === "lost") return `It diverges: loss ${f} after ${all}.`;
      if (outside) return `${all}: left the picture, loss ${f}.`;
      if (!steps) return "No step yet.";
      if (timer) return `${all} so far.`;
      if (steps >= MOST_STEPS) return `${all}, and still not down.`;
      return steps >= RUN ? `${all}, not down yet. Roll goes on from here.` : `${all} so far, not down yet.`;
    }

    function draw() {
      const name = model.get("surface"), start = model.get("start"), path = run(model.get("steps"));
      const place = path.at(-1), [u, v] = place, f = loss(surface(), place), g = gradient(surface(), place);
      if (drawn !== name) drawSurface(plane, hill, surface());
      drawn = name;
      shape.set(name);
      rule.set(model.get("rule"));
      rate.set(model.get("rate"));
      begin.setAttribute("transform", `translate(${plane.x(start[0])} ${plane.y(start[1])})`);
      describe(begin, "Start of the ball", start[0], `u ${number(start[0])}, v ${number(start[1])}`, [-REACH, REACH]);
      const outside = drawBall(path), said = words(path.length - 1, place, outside);
      told.textContent = said;
      told.dataset.right = ending(surface(), place) === "down";
      told.setAttribute("aria-live", timer ? "off" : "polite");            // else a run would be read out step by step
      height.textContent = `Loss f = ${brief(f)} at (${where(u)}, ${where(v)})`;
      slope.textContent = `Gradient (${brief(g[0])}, ${brief(g[1])}), length ${brief(Math.hypot(...g))}`;
      Object.assign(height.dataset, { steps: path.length - 1, f, u, v });
      Object.assign(slope.dataset, { u: g[0], v: g[1] });
      roll.textContent = timer ? "Stop" : "Roll";
      allowed.textContent = limitShown ? limit(surface(), model.get("rule"), name) : "";
      const bottom = loss(surface(), lowest(surface()));
      curve.draw(path.map(each => loss(surface(), each) - bottom), said);
    }
    return draw;
  });
}
export default { render };

// Learning curves of a study: draw what you expect of a method, then see what was measured, beside the others.
import { button, choice, clamp, describe, handle, html, live, svg, tidy } from "./kit.js";
import { ALL, curvesOf, filled, sizesOf, stroke } from "./learning_curves_arithmetic.js";
import { ScoreChart, percent } from "./score_chart.js";
import { fillTable, makeTable } from "./score_table.js";
import { labeled, moreWords, words } from "./learning_curves_words.js";

const NOTHING = "No results are here yet. The lab hands over those of the study.";

// The handle below the chart: a disk with the chosen number of labels.
function sizeHandle(chart, { choose, step, signal }) {
  const node = svg(chart.plot.svg, "g", { class: "nb-size" });
  svg(node, "rect", { x: -22, y: -16, width: 44, height: 32, class: "nb-grip" });
  svg(node, "rect", { x: -17, y: -10, width: 34, height: 20, rx: 10, class: "nb-disk" });
  const text = svg(node, "text", { y: 4, "text-anchor": "middle" });
  handle(node, { signal, onMove: event => choose(chart.at(event)[0]), onKey: ([dx, dy]) => step(Math.sign(dx + dy)) });
  return (sizes, chosen) => {
    node.setAttribute("transform", `translate(${chart.plot.x(chosen)} ${chart.plot.height - 11})`);
    text.textContent = sizes[chosen];
    describe(node, "Labels a class", chosen, labeled(sizes[chosen]), [0, sizes.length - 1]);
  };
}

// A ring for each column of the curve that the reader draws.
function rings(chart, n, { paint, nudge, signal }) {
  const group = svg(chart.plot.svg, "g", { class: "nb-rings" });
  const nodes = Array.from({ length: n }, (_, k) => {
    const node = svg(group, "g");
    svg(node, "circle", { r: 18, class: "nb-grip" });
    svg(node, "circle", { r: 6.5, class: "nb-ring" });
    handle(node, { signal, onMove: event => paint(event), onKey: ([dx, dy]) => nudge(k, dx + dy) });
    return node;
  });
  return { group, nodes };
}

function render({ model, el }) {
  const traits = ["rows", "pretrained", "method", "labels", "shown", "guesses"];
  return live(model, el, "learning-curves", traits, (root, write, signal) => {
    const get = name => model.get(name);
    let built = null, parts = null, inner = new AbortController(), painting = false, last = null;
    signal.addEventListener("abort", () => inner.abort());
    const nothing = html(root, "output", { name: "nothing" }, NOTHING), body = html(root, "div", { class: "nb-body" });

    // What the traits say together; a name or number that the rows lack means another that they have.
    function now() {
      const rows = get("rows"), sizes = sizesOf(rows), curves = curvesOf(rows, sizes), shown = get("shown");
      const method = (curves.find(curve => curve.name === get("method")) ?? curves.at(-1))?.name;
      const at = sizes.indexOf(get("labels")), chosen = at < 0 ? sizes.findIndex(size => size === ALL || size >= get("labels")) : at;
      return { curves, sizes, method, chosen: Math.max(chosen, 0), pretrained: get("pretrained"), seen: curve => shown.includes(curve.name) };
    }
    const hiding = () => !get("shown").includes(now().method);
    const choose = k => write({ labels: now().sizes[clamp(k, 0, now().sizes.length - 1)] });
    const reveal = name => write({ shown: [...get("shown"), name] });
    const toggle = name => (get("shown").includes(name) ? write({ shown: get("shown").filter(each => each !== name) }) : reveal(name));
    function setGuess(curve) {
      write({ guesses: { ...get("guesses"), [now().method]: curve.map(value => (typeof value === "number" ? tidy(clamp(value, 0, 1)) : null)) } });
    }
    const drawn = () => get("guesses")[now().method];
    function nudge(k, by) {
      const { sizes, chosen } = now(), before = filled(drawn(), sizes.length)?.[k] ?? 0.5;
      setGuess(stroke(drawn(), sizes.length, null, [k, before + by / 100]));
      if (k !== chosen) choose(k);
    }
    function again() {
      const { method } = now(), { [method]: _, ...guesses } = get("guesses");
      write({ guesses, shown: get("shown").filter(each => each !== method) });
    }

    function build({ curves, sizes, pretrained }) {
      inner.abort();
      inner = new AbortController();
      body.replaceChildren();
      const { signal } = inner, top = html(body, "div", { class: "nb-top" });
      html(top, "p", { class: "nb-title" }, "A method to draw, and to compare with the others");
      const methods = choice(top, { label: "Method", options: Object.fromEntries(curves.map(({ name }) => [name, name])), signal, onChoose: method => write({ method }) });
      const left = html(body, "div", { class: "nb-left" }), chart = new ScoreChart(left);
      const paint = event => {
        const place = chart.at(event);
        setGuess(stroke(drawn(), sizes.length, last, place));
        last = place;
      };
      const ring = rings(chart, sizes.length, { paint, nudge, signal });
      chart.plot.svg.addEventListener("pointerdown", event => {             // a stroke begins: at a ring, or where nothing is yet
        const k = ring.nodes.indexOf(event.target.closest(".nb-handle"));
        last = k < 0 ? null : [k, filled(drawn(), sizes.length)?.[k] ?? 0.5];
      }, { capture: true, signal });
      const size = sizeHandle(chart, { choose, step: by => choose(now().chosen + by), signal });
      freehand(chart, paint, signal);
      html(left, "p", { class: "nb-legend" }, "Labels a class, along the bottom: move the disk. Marks and lines: mean of the runs. Dots: each run. Solid: begins with pre-trained weights; dashed: without.");
      const right = html(body, "div", { class: "nb-right" }), told = html(right, "output", { name: "told", "aria-live": "polite" });
      const more = html(right, "output", { name: "more", "aria-live": "polite" });
      const row = html(right, "div", { class: "nb-choice" });
      const show = button(row, "Show what was measured", () => reveal(now().method), signal, { name: "show" });
      const redo = button(row, "Draw again", again, signal, { name: "again" });
      const filledIn = makeTable(right, curves, pretrained, toggle, signal);
      html(right, "p", { class: "nb-legend" }, "Press a method to show or hide its curve. % right: mean of the runs, the worst, the best. Ahead: by how many points the chosen method lies above this one, and in how many of the runs that learned from the same labels.");
      return { methods, chart, ring, size, told, more, show, redo, filledIn };
    }
    // A mouse or a pen draws from anywhere, a finger from the rings: elsewhere it scrolls the page. A tap sets one column.
    function freehand({ plot }, paint, signal) {
      plot.svg.addEventListener("pointerdown", event => {
        if (event.pointerType === "touch" || event.button || event.target.closest(".nb-handle") || !hiding()) return;
        painting = true;
        plot.svg.setPointerCapture(event.pointerId);
        paint(event);
      }, { signal });
      plot.svg.addEventListener("pointermove", event => painting && paint(event), { signal });
      for (const end of ["pointerup", "pointercancel", "lostpointercapture"])
        plot.svg.addEventListener(end, () => { painting = false; }, { signal });
      plot.svg.addEventListener("click", event => {
        if (event.target.closest(".nb-handle")) return;
        if (!hiding()) choose(parts.chart.at(event)[0]);
        else { last = null; paint(event); }
      }, { signal });
    }

    function drawRings(guess, { sizes, method }, open) {
      const { group, nodes } = parts.ring;
      group.style.display = open ? "" : "none";
      nodes.forEach((node, k) => {
        const value = guess?.[k] ?? 0.5;
        node.setAttribute("transform", `translate(${parts.chart.plot.x(k)} ${parts.chart.plot.y(value)})`);
        node.classList.toggle("nb-untouched", typeof drawn()?.[k] !== "number");
        describe(node, `Your guess for ${method} with ${labeled(sizes[k])}`, 100 * value, guess ? `${percent(value, 0)} %` : "nothing yet", [0, 100]);
      });
    }
    function draw() {
      const state = now(), { curves, sizes, method, chosen, seen, pretrained } = state;
      body.hidden = !curves.length;
      nothing.hidden = curves.length > 0;
      if (!curves.length) return;
      const key = JSON.stringify([curves.map(({ name }) => name), sizes, pretrained]);
      if (key !== built) parts = build(state);
      built = key;
      const guess = filled(drawn(), sizes.length), open = hiding();
      const visible = curves.map((curve, i) => ({ ...curve, i, pretrained: pretrained.includes(curve.name) })).filter(seen);
      parts.methods.set(method);
      parts.chart.frame(sizes, chosen);
      parts.chart.draw(visible, curves.length);
      parts.chart.drawGuess(guess);
      drawRings(guess, state, open);
      parts.size(sizes, chosen);
      parts.chart.plot.svg.setAttribute("aria-label", `Scores against labels a class; shown: ${visible.map(({ name }) => name).join(", ") || "no curve yet"}`);
      parts.show.disabled = !open;
      parts.redo.disabled = open && !guess;
      parts.told.textContent = words(state, guess);
      parts.more.textContent = moreWords(state, guess);
      fillTable(parts.filledIn, state);
    }
    return draw;
  });
}
export default { render };

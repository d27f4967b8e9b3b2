// The transformer as a diagram: a walk through its parts, with the shape at every arrow and the parameters so far.
import { button, choice, clamp, html, listSlider, live } from "./kit.js";
import { parametersOf, partsOf, sizesOf, standing } from "./architecture_arithmetic.js";
import { LEAVING, costText, grouped, sentenceFor, titleFor } from "./architecture_words.js";
import { ArchitectureDrawing } from "./architecture_drawing.js";

const COUNTS = Array.from({ length: 64 }, (_, i) => i + 1);             // as in nbcode/widgets/architecture.py
const NORMS = { post: "post-norm", pre: "pre-norm" };
const KINDS = { both: "both", encoder: "BERT", decoder: "GPT" };
const SHAPES = { numbers: "numbers", letters: "letters", ahead: "? ahead" };

const inBrackets = entries => `(${entries.join(", ")}${entries.length === 1 ? "," : ""})`;

function keyOf({ B, S, T, D, N, K, F, Vs, Vt, tied }, preset) {
  const vocabularies = tied ? [`V = ${grouped(Vs)} (vocabulary)`] : [`Vs = ${grouped(Vs)} (source)`, `Vt = ${grouped(Vt)} (target)`];
  const lengths = [`B = ${B} (batch)`, `S = ${S} (source)`, `T = ${T} (target)`];
  const widths = [`D = ${grouped(D)} (width)`, `N = ${N} (heads)`, `K = D / N = ${K}`, `F = ${grouped(F)} (inner width)`];
  return [preset, ...lengths, ...widths, ...vocabularies];
}

function fillInside(table, inside, sizes) {
  table.replaceChildren();
  const head = html(html(table, "thead"), "tr"), body = html(table, "tbody");
  for (const name of ["inside", "shape", "numbers"]) html(head, "th", { scope: "col" }, name);
  for (const [what, shape] of inside) {
    const row = html(body, "tr");
    row.dataset.shape = shape.map(letter => sizes[letter]);
    html(row, "th", { scope: "row" }, what);
    html(row, "td", {}, inBrackets(shape));
    html(row, "td", {}, inBrackets(shape.map(letter => sizes[letter])));
  }
}

function render({ model, el }) {
  const traits = ["preset", "norm", "kind", "shapes", "batch", "source", "target", "part"];
  return live(model, el, "architecture", traits, (root, write, signal) => {
    const sizesNamed = name => model.get("presets")[name];
    const frame = html(root, "div", { class: "nb-floor" });
    const settings = html(frame, "div", { class: "nb-switches" });
    const setting = (label, options, onChoose) => {
      const row = html(settings, "div", { class: "nb-choice" });
      html(row, "span", {}, label);
      return choice(row, { label, options, signal, onChoose });
    };
    const names = Object.fromEntries(Object.keys(model.get("presets")).map(name => [name, name]));
    const preset = setting("Sizes", names, name => write({ preset: name, norm: sizesNamed(name).norm_first ? "pre" : "post" }));
    const norm = setting("Norms", NORMS, name => write({ norm: name }));
    const kind = setting("Kind", KINDS, name => write({ kind: name }));
    const shapes = setting("Shapes", SHAPES, name => write({ shapes: name }));
    const knobs = html(settings, "div", { class: "nb-knobs" });
    const knob = (label, name) => listSlider(knobs, { label, name, values: COUNTS, signal, onInput: value => write({ [name]: value }) });
    const batch = knob("B, batch", "batch"), source = knob("S, source", "source"), target = knob("T, target", "target");

    const said = html(frame, "div", { class: "nb-said" });
    const buttons = html(said, "div", { class: "nb-choice" });
    button(buttons, "Back", () => step(-1), signal, { name: "back" });
    button(buttons, "Next", () => step(1), signal, { name: "next" });
    button(buttons, "Start again", () => go(0), signal, { name: "start" });
    const count = html(buttons, "span", { class: "nb-legend" });
    const told = html(said, "div", { class: "nb-told" });
    const title = html(told, "p", { class: "nb-title" }), sentence = html(told, "output", { name: "sentence", "aria-live": "polite" });
    const stage = html(frame, "div", { class: "nb-scene" });
    const drawing = new ArchitectureDrawing(stage, { choose: part => write({ part }), step, signal });
    const detail = html(frame, "div", { class: "nb-detail" });
    const table = html(detail, "table");
    const cost = html(detail, "output", { name: "cost", "aria-live": "off" });
    const bar = html(detail, "div", { class: "nb-total", "aria-hidden": "true" });
    const before = html(bar, "span"), own = html(bar, "span", { class: "nb-own" });
    const total = html(detail, "output", { name: "total", "aria-live": "off" });
    const code = html(html(detail, "p", { class: "nb-legend" }, "In nbcode.models.transformer: "), "code");

    function now() {
      const sizes = sizesOf(sizesNamed(model.get("preset")), model.get("batch"), model.get("source"), model.get("target"));
      const parts = partsOf(sizes, model.get("norm"), model.get("kind")), at = standing(parts, model.get("part"));
      return { sizes, parts, at, walk: parts.filter(part => part.here) };
    }
    function go(i) {
      const { walk } = now();
      write({ part: walk[clamp(i, 0, walk.length - 1)].name });
    }
    function step(n) {
      const { walk, parts, at } = now();
      go(walk.indexOf(parts[at]) + n);
    }

    // The shape at the arrow that comes from a part; without one, of the tokens below a column's parts.
    function labelFor({ parts, at, sizes }) {
      const place = Object.fromEntries(parts.map(({ name }, i) => [name, i])), mode = model.get("shapes");
      return (from, [first]) => {
        const letters = from ? from.inside.at(-1)[1] : first.inside[0][1], shape = letters.map(letter => sizes[letter]);
        const isAhead = mode === "ahead" && from && place[from.name] > at;
        return { shape, said: isAhead ? "?" : inBrackets(mode === "letters" ? letters : shape) };
      };
    }
    function drawCost(part, walk) {
      const all = parametersOf(walk), i = walk.indexOf(part), done = parametersOf(walk.slice(0, i + 1));
      cost.textContent = costText(part);
      total.textContent = `So far: ${grouped(done)} of ${grouped(all)}.`;
      Object.assign(total.dataset, { own: part.parameters, done, all });
      before.style.width = `${100 * (done - part.parameters) / all}%`;
      own.style.width = `${100 * part.parameters / all}%`;
    }
    function draw() {
      const { sizes, parts, at, walk } = now(), active = parts[at], choices = { norm: model.get("norm"), kind: model.get("kind") };
      preset.set(model.get("preset"));
      norm.set(choices.norm);
      kind.set(choices.kind);
      shapes.set(model.get("shapes"));
      batch.set(sizes.B);
      source.set(sizes.S);
      target.set(sizes.T);
      drawing.draw({ parts, active, label: labelFor({ parts, at, sizes }), key: keyOf(sizes, model.get("preset")), said: titleFor(active) });
      count.textContent = `${walk.indexOf(active) + 1} of ${walk.length}`;
      title.textContent = titleFor(active);
      const isLeaving = active === walk.findLast(part => part.column === "encoder");
      sentence.textContent = [sentenceFor(active, sizes, choices), isLeaving ? LEAVING[choices.kind] : ""].join(" ").trim();
      fillInside(table, active.inside, sizes);
      drawCost(active, walk);
      code.textContent = active.code;
    }
    return draw;
  });
}
export default { render };

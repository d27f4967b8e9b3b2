// A threshold over predictions: who is sure enough is assigned without a person, and the reader sees how many rightly.
import { button, clamp, html, live, number, slider, tidy } from "./kit.js";
import { cheapest, bins, countAt, coverage, price, ranked, shortened, stepAt } from "./threshold_arithmetic.js";
import { BINS, ConfidenceBars } from "./confidence_bars.js";
import { CoverageCurve } from "./coverage_curve.js";

const COSTS = [1, 50];         // as in nbcode/widgets/threshold.py
const NEAR = 3;                // requests on each side of the threshold
const NAME = 40;               // characters of a class's name
const NOTHING = "No predictions are here yet. The lab hands over those of its test part.";

const percent = share => `${number(100 * share, 1)}\u00a0%`;
const counted = value => value.toLocaleString("en-US", { maximumFractionDigits: 1 });

// The requests nearest to the threshold, with what the model says of them, and whether that is so.
function fill(list, cases, assigned) {
  list.replaceChildren();
  for (const { confidence, right, truth, predicted, text } of cases) {
    const item = html(list, "li", { "data-right": right }), said = html(item, "span", { class: "nb-said" });
    item.prepend(html(item, "bdi", { class: "nb-text", dir: "auto" }, shortened(text) || "(no text)"));
    html(said, "span", { class: "nb-sure" }, number(confidence, 3));
    html(said, "bdi", {}, `${assigned ? "to" : "it would say"} ${shortened(predicted, NAME)}`);
    html(said, "span", { class: "nb-verdict" }, right ? "✓ right" : "✗ wrong:");
    if (!right) html(said, "bdi", {}, shortened(truth, NAME));
  }
  if (!cases.length) html(list, "li", {}, "None.");
}

function words(step, cases) {
  const n = cases.length, right = cases.filter(each => each.right).length;
  if (!step) return [`No request is so sure: all ${counted(n)} go to a person.`, `Without a threshold, ${percent(right / n)} would be right.`];
  const left = n - step.count, missed = right - step.right;
  const rest = left ? ` For ${counted(missed)} of them the model was right too.` : "";
  return [
    `Assigned without a person: ${counted(step.count)} of ${counted(n)} requests (${percent(step.share)}). Right: ${percent(step.accuracy)} of them; wrong: ${counted(step.count - step.right)}.`,
    `To a person: ${counted(left)} (${percent(left / n)}).${rest}`,
  ];
}

function render({ model, el }) {
  return live(model, el, "threshold", ["predictions", "threshold", "cost"], (root, write, signal) => {
    let given = null, cases = [], steps = [], counts = [], revealed = false;
    const nothing = html(root, "output", { name: "nothing" }, NOTHING), body = html(root, "div", { class: "nb-body" });
    const set = value => write({ threshold: tidy(clamp(value, 0, 1)) });
    const exactly = step => write({ threshold: step ? step.threshold : 1 });

    const left = html(body, "div", { class: "nb-left" });
    const bars = new ConfidenceBars(left, { signal, onMove: set, onStep: by => set(model.get("threshold") + by / 100) });
    html(left, "p", { class: "nb-legend" }, "How sure the model is, 0 to 1. ■ right □ wrong. From the line on, requests are assigned without a person.");
    const threshold = slider(left, { label: "threshold", name: "threshold", min: 0, max: 1, step: 0.01, signal, onInput: set });
    const told = html(left, "output", { name: "told", "aria-live": "polite" });
    const rest = html(left, "output", { name: "rest", "aria-live": "off" });

    const right = html(body, "div", { class: "nb-left" });
    const curve = new CoverageCurve(right, { signal, onMove: share => exactly(nearest(share)), onStep: by => exactly(moved(by)) });
    html(right, "p", { class: "nb-legend" }, "Along the bottom: % assigned without a person. At the left end only a few requests count, so the curve is unsteady there.");
    const cost = slider(right, { label: "cost", name: "cost", min: COSTS[0], max: COSTS[1], step: 1, digits: 0, signal, onInput: value => write({ cost: value }) });
    html(right, "p", { class: "nb-legend" }, "What a wrong assignment costs, in decisions by a person.");
    const total = html(right, "output", { name: "price", "aria-live": "off" });
    const show = button(right, "", () => { revealed = !revealed; draw(); }, signal, { name: "cheapest" });
    const best = html(right, "output", { name: "best", "aria-live": "polite" });

    const near = html(body, "div", { class: "nb-near" });
    const lists = ["Just sure enough: assigned", "Just too unsure: left to a person"].map(title => {
      const half = html(near, "div", { class: "nb-half" });
      html(half, "p", { class: "nb-title" }, title);
      return html(half, "ol");
    });

    const nearest = share => steps.reduce((one, other) => (Math.abs(other.share - share) < Math.abs(one.share - share) ? other : one));
    // So many confidences further along the curve; before the first of them nothing is assigned.
    function moved(by) {
      const at = steps.indexOf(stepAt(steps, model.get("threshold")));
      return steps[clamp(at + by, -1, steps.length - 1)];
    }
    function prepare() {
      if (given === model.get("predictions")) return;
      given = model.get("predictions");
      cases = ranked(given);
      steps = coverage(cases);
      counts = bins(cases, BINS);
      revealed = false;
    }
    function drawCost(step) {
      const ratio = model.get("cost"), n = cases.length, found = cheapest(steps, n, ratio), now = price(step, n, ratio);
      const wrong = step ? step.count - step.right : 0, person = n - (step?.count ?? 0);
      cost.set(ratio);
      total.textContent = `${counted(person)} by a person + ${counted(ratio)} · ${counted(wrong)} wrong = ${counted(now)} decisions. By hand, all: ${counted(n)}.`;
      const least = counted(price(found, n, ratio)), where = found ? `at threshold ${number(found.threshold)}` : "if nothing is assigned";
      best.textContent = revealed ? `Cheapest here: ${least} decisions, ${where}.` : "";
      show.textContent = `${revealed ? "Hide" : "Show"} the cheapest`;
      Object.assign(total.dataset, { price: now, least: price(found, n, ratio), at: found?.threshold ?? "" });
      return revealed ? found : null;
    }
    function draw() {
      prepare();
      body.hidden = !cases.length;
      nothing.hidden = cases.length > 0;
      if (!cases.length) return;
      const at = model.get("threshold"), step = stepAt(steps, at), count = countAt(cases, at);
      bars.draw(counts, at);
      threshold.set(at);
      curve.draw(steps, step, drawCost(step));
      [told.textContent, rest.textContent] = words(step, cases);
      Object.assign(told.dataset, { count, right: step?.right ?? 0, share: step?.share ?? 0, accuracy: step?.accuracy ?? "" });
      fill(lists[0], cases.slice(Math.max(0, count - NEAR), count), true);
      fill(lists[1], cases.slice(count, count + NEAR), false);
    }
    return draw;
  });
}
export default { render };

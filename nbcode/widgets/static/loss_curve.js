// The loss at every step, moves by hand and steps of Adam told apart by their shape.
import { svg, html, number } from "./kit.js";
import { Plot } from "./plot.js";

const LOWEST = 1e-4;                                  // what is less is drawn at the lower edge
const LENGTHS = [20, 50, 100, 200, 500, 1000, 2000, 5000];
const RING = "m-4,0 a4,4 0 1,0 8,0 a4,4 0 1,0 -8,0";

export class LossCurve {
  constructor(parent) {
    this.plot = new Plot(parent, { height: 170, names: ["step", "mean squared error (log scale)"], log: true, role: "img" });
    const part = name => svg(this.plot.inner, "path", { class: name });
    [this.least, this.run, this.hand] = ["nb-least", "nb-adam", "nb-by-hand"].map(part);
    const legend = html(parent, "p", { class: "nb-legend" });
    html(legend, "span", {}, "○ start and moves by hand");
    html(legend, "span", {}, "— steps of Adam");
    this.key = html(legend, "span", {}, "⋯ least possible");
  }
  // history: a list of { loss, adam }, from the start on; least: the least possible loss, or null to keep it hidden.
  draw(history, least) {
    const { plot } = this, last = history.length - 1;
    const shown = history.map(({ loss }) => Math.max(loss, LOWEST));
    const length = LENGTHS.find(n => n >= last) || last;
    const low = Math.min(-2, Math.floor(Math.log10(Math.min(...shown)))), high = Math.max(1, Math.ceil(Math.log10(Math.max(...shown))));
    const powers = Array.from({ length: high - low + 1 }, (_, k) => Number(`1e${low + k}`));
    plot.frame([-0.03 * length, length], [powers[0], powers.at(-1)], [[0, length / 4, length / 2, length * 3 / 4], powers]);
    const at = i => plot.place([i, shown[i]]);
    const pick = draw => history.map((entry, i) => draw(entry, i)).join("");
    this.hand.setAttribute("d", pick(({ adam }, i) => (adam ? "" : `M${at(i)}${RING}`)));
    this.run.setAttribute("d", pick(({ adam }, i) => (!adam ? "" : history[i - 1].adam ? `L${at(i)}` : `M${at(i - 1)}L${at(i)}`)));
    this.least.setAttribute("d", least === null ? "" : `M${plot.place([plot.left, Math.max(least, LOWEST)])}H${plot.x(length)}`);
    this.key.hidden = least === null;
    plot.svg.setAttribute("aria-label", `The loss at ${history.length} steps: at first ${number(history[0].loss, 4)}, now ${number(history[last].loss, 4)}`);
  }
}

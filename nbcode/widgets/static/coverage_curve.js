// Accuracy against coverage, with the point that a threshold leads to, and the cheapest one when it is asked for.
import { describe, handle, number, svg } from "./kit.js";
import { Plot } from "./plot.js";

const TICKS = [0, 25, 50, 75, 100];

export class CoverageCurve {
  constructor(parent, { onMove, onStep, signal }) {
    const plot = this.plot = new Plot(parent, { height: 230, names: ["", "% of the assigned that are right"] });
    plot.frame([0, 100], [0, 100], [TICKS, TICKS]);
    this.line = svg(plot.inner, "path", { class: "nb-coverage" });
    this.best = svg(plot.inner, "path", { class: "nb-best", d: "m-8,-8 l16,16 m0,-16 l-16,16" });
    this.point = svg(plot.svg, "g", { class: "nb-now" });
    svg(this.point, "circle", { r: 17, class: "nb-grip" });
    svg(this.point, "circle", { r: 7, class: "nb-dot" });
    const at = event => plot.acrossAt(event) / 100;
    handle(this.point, { signal, onMove: event => onMove(at(event)), onKey: ([dx, dy]) => onStep(dx - dy) });
    plot.svg.addEventListener("click", event => { if (!event.target.closest(".nb-handle")) onMove(at(event)); }, { signal });
  }
  place({ share, accuracy }) { return this.plot.place([100 * share, 100 * accuracy]); }
  // steps: what coverage gives; now and best: one of them each, or null.
  draw(steps, now, best) {
    this.line.setAttribute("d", `M${steps.map(step => this.place(step)).join("L")}`);
    const none = { share: 0, accuracy: steps[0].accuracy };              // nothing is assigned, so no share of it is right
    this.point.setAttribute("transform", `translate(${this.place(now ?? none)})`);
    this.point.classList.toggle("nb-none", !now);
    this.best.style.display = best ? "" : "none";
    if (best) this.best.setAttribute("transform", `translate(${this.place(best)})`);
    const share = 100 * (now?.share ?? 0), told = now ? `${number(share, 1)} %, of which ${number(100 * now.accuracy, 1)} % are right` : "nothing is assigned";
    describe(this.point, "Share assigned without a person", share, told, [0, 100]);
    this.plot.svg.setAttribute("aria-label", `Of the assigned requests so many are right, against the share that is assigned. Now: ${told}`);
  }
}

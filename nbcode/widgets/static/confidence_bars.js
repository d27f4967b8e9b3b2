// How many predictions are how sure: right ones filled, wrong ones hollow above them; what a threshold leaves out is dimmed.
import { clamp, describe, handle, number, svg } from "./kit.js";
import { Plot } from "./plot.js";

export const BINS = 20;
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000];

export class ConfidenceBars {
  constructor(parent, { onMove, onStep, signal }) {
    const plot = this.plot = new Plot(parent, { height: 190, names: ["", "requests"] });
    this.right = svg(plot.inner, "path", { class: "nb-right-ones" });
    this.wrong = svg(plot.inner, "path", { class: "nb-wrong-ones" });
    this.dim = svg(plot.inner, "rect", { class: "nb-dim" });
    this.line = svg(plot.svg, "g", { class: "nb-cut" });
    svg(this.line, "rect", { x: -16, width: 32, class: "nb-grip" });
    svg(this.line, "line");
    svg(this.line, "polygon", { class: "nb-tip", points: "-8,0 8,0 0,9" });
    const at = event => clamp(plot.acrossAt(event), 0, 1);
    handle(this.line, { signal, onMove: event => onMove(at(event)), onKey: ([dx, dy]) => onStep(dx + dy) });
    plot.svg.addEventListener("click", event => { if (!event.target.closest(".nb-handle")) onMove(at(event)); }, { signal });
  }
  draw(counts, threshold) {
    const { plot } = this, most = Math.max(1, ...counts.map(({ right, wrong }) => right + wrong));
    const step = STEPS.find(each => most / each <= 4) ?? most;
    plot.frame([0, 1], [0, Math.max(most, step)], [[0, 0.25, 0.5, 0.75, 1], [0, 1, 2, 3, 4].map(k => k * step).filter(tick => tick <= most)]);
    const bar = (k, from, count) => `M${plot.place([k / BINS, from])}V${plot.y(from + count).toFixed(1)}H${(plot.x((k + 1) / BINS) - 1.5).toFixed(1)}V${plot.y(from).toFixed(1)}z`;
    this.right.setAttribute("d", counts.map(({ right }, k) => (right ? bar(k, 0, right) : "")).join(""));
    this.wrong.setAttribute("d", counts.map(({ right, wrong }, k) => (wrong ? bar(k, right, wrong) : "")).join(""));
    const x = plot.x(threshold), top = plot.y(plot.high), bottom = plot.y(0), set = (node, values) => { for (const name in values) node.setAttribute(name, values[name]); };
    set(this.dim, { x: plot.x(0), y: top, width: x - plot.x(0), height: bottom - top });
    this.line.setAttribute("transform", `translate(${x.toFixed(2)} 0)`);
    set(this.line.children[0], { y: top, height: bottom - top });
    set(this.line.children[1], { y1: top, y2: bottom });
    set(this.line.children[2], { transform: `translate(0 ${top - 8})` });
    describe(this.line, "Threshold", threshold, number(threshold), [0, 1]);
    plot.svg.setAttribute("aria-label", "How many requests are how sure, right and wrong ones");
  }
}

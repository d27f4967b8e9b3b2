// A small histogram: how many values lie in each of equally wide bins.
import { brief, svg } from "./kit.js";

const short = value => (Math.abs(value) < 0.001 || Math.abs(value) >= 1000 ? brief(value, 2) : String(Number(value.toPrecision(2))).replace("-", "−"));
const WIDE = 320, TALL = 96, SIDE = 12, BOTTOM = 20, TOP = 6;

export class Histogram {
  constructor(parent, label) {
    this.label = label;
    this.svg = svg(parent, "svg", { viewBox: `0 0 ${WIDE} ${TALL}`, class: "nb-curve nb-histogram", role: "img" });
    svg(this.svg, "rect", { x: SIDE, y: TOP, width: WIDE - 2 * SIDE, height: TALL - BOTTOM - TOP, class: "nb-paper" });
    this.bars = svg(this.svg, "path", { class: "nb-counts" });
    const words = svg(this.svg, "g", { class: "nb-axes", "aria-hidden": "true" });
    const word = (x, anchor) => svg(words, "text", { x, y: TALL - 5, "text-anchor": anchor });
    this.words = [word(SIDE, "start"), word(WIDE / 2, "middle"), word(WIDE - SIDE, "end")];
  }
  draw(counts, from, to) {
    const most = Math.max(...counts), bin = (WIDE - 2 * SIDE) / counts.length, room = TALL - BOTTOM - TOP - 3;
    // A bin with a single value can be seen too: its bar is at least a line.
    const tall = count => (count ? Math.max(1, count / most * room) : 0).toFixed(1);
    this.bars.setAttribute("d", counts.map((count, k) => `M${(SIDE + k * bin + 0.5).toFixed(1)},${TALL - BOTTOM}v-${tall(count)}h${(bin - 1).toFixed(1)}v${tall(count)}z`).join(""));
    [from, (from + to) / 2, to].forEach((value, k) => { this.words[k].textContent = short(value); });
    this.svg.setAttribute("aria-label", `${this.label}, from ${short(from)} to ${short(to)}. The fullest of ${counts.length} bins holds ${most}.`);
  }
}

// A small curve of heights that span many powers of ten, step by step.
import { raised, svg } from "./kit.js";

const WIDE = 320, TALL = 118, LEFT = 42, BOTTOM = 22, TOP = 8;
const LEAST = 1e-16;       // what is 0 stands at the lower edge

export class HeightCurve {
  constructor(parent, label) {
    this.label = label;
    this.svg = svg(parent, "svg", { viewBox: `0 0 ${WIDE} ${TALL}`, class: "nb-curve", role: "img" });
    svg(this.svg, "rect", { x: LEFT, y: TOP, width: WIDE - LEFT - 6, height: TALL - BOTTOM - TOP, class: "nb-paper" });
    this.grid = svg(this.svg, "g", { class: "nb-axes" });
    this.line = svg(this.svg, "path", { class: "nb-trail" });
    this.now = svg(this.svg, "circle", { r: 4, class: "nb-ball" });
  }
  draw(heights, told) {
    const powers = heights.map(height => Math.log10(Math.max(height, LEAST)));
    const low = Math.floor(Math.min(...powers, -1)), high = Math.ceil(Math.max(...powers, 1));
    const steps = Math.max(20, heights.length - 1);
    const x = k => LEFT + k / steps * (WIDE - LEFT - 6);
    const y = power => TALL - BOTTOM - (power - low) / (high - low) * (TALL - BOTTOM - TOP);
    this.line.setAttribute("d", `M${powers.map((power, k) => `${x(k).toFixed(1)},${y(power).toFixed(1)}`).join(" ")}`);
    this.now.setAttribute("cx", x(powers.length - 1));
    this.now.setAttribute("cy", y(powers.at(-1)));
    this.svg.setAttribute("aria-label", `${this.label}: ${told}`);
    this.axes(low, high, steps, x, y);
  }
  axes(low, high, steps, x, y) {
    this.grid.replaceChildren();
    const middle = Math.round((low + high) / 2);
    for (const power of new Set([low, middle, high])) {
      svg(this.grid, "line", { x1: LEFT, x2: WIDE - 6, y1: y(power), y2: y(power) });
      svg(this.grid, "text", { x: LEFT - 6, y: y(power) + 4, "text-anchor": "end" }).textContent = raised(power);
    }
    svg(this.grid, "text", { x: LEFT, y: TALL - 6, "text-anchor": "middle" }).textContent = "0";
    svg(this.grid, "text", { x: WIDE - 6, y: TALL - 6, "text-anchor": "end" }).textContent = `${steps} steps`;
  }
}
